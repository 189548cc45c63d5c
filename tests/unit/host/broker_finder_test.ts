import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Bootstrap } from "../../../ffi/bootstrap.ts";
import { Native } from "../../../ffi/native.ts";
import { contactTimeoutMs, findBroker } from "../../../host/broker_finder.ts";
import { BridgeError } from "../../../proto/errors.ts";
import { checkVersion } from "../../../proto/wire/control.ts";
import { permittedTest } from "../../helpers/permitted.ts";
import { until } from "../../helpers/soon.ts";

const { signal } = new AbortController();
const lost = (): void => {};
/** A name that no process serves. */
const NOBODY = `com.example.nobody-${crypto.randomUUID()}`;

Deno.test("broker finder: where none is to be made, the error names the commands", async () => {
  using native = Native.open();
  const error = await assertRejects(
    () =>
      findBroker(
        native,
        { given: undefined, fallback: NOBODY, embed: undefined },
        lost,
        signal,
      ),
    BridgeError,
  );
  assertEquals(error.code, "broker_unreachable");
  for (
    const text of [
      NOBODY,
      "embedBroker is false",
      "streamlib broker start",
      "streamlib broker install",
    ]
  ) assertStringIncludes(error.message, text);
});

permittedTest(
  "broker finder: one in this process is reached through its bootstrap",
  { service: true, env: true, read: true },
  async () => {
    const { Broker } = await import("../../../broker/broker.ts");
    const native = Native.open();
    let ended = 0;
    {
      await using held = new AsyncDisposableStack();
      held.use(native);
      const bootstrap = held.use(Bootstrap.create());
      const service = NOBODY;
      const log = { sink: () => {}, level: "error" } as const;
      const broker = held.use(await Broker.start({ service, bootstrap, log }));
      await using lease = await findBroker(
        native,
        {
          given: undefined,
          fallback: service,
          embed: () =>
            Promise.resolve({
              service,
              bootstrap,
              [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
            }),
        },
        () => ended++,
        signal,
      );
      assertEquals([lease.service, lease.bootstrap], [service, bootstrap]);
      await checkVersion(lease.control, service);
      await broker[Symbol.asyncDispose]();
      await until("the loss of the broker", () => ended === 1);
      const error = await assertRejects(
        () => checkVersion(lease.control, service),
        BridgeError,
        "it has ended",
      );
      assertEquals(error.code, "broker_unreachable");
    }
  },
);

permittedTest(
  "broker finder: one that serves the default name is not embedded, and is asked for its version",
  { service: true, env: true, read: true },
  async () => {
    const { Broker } = await import("../../../broker/broker.ts");
    const service = `${NOBODY}.started`;
    using native = Native.open();
    await using lease = await findBroker(
      native,
      {
        given: undefined,
        fallback: service,
        embed: () =>
          Broker.start({ service, log: { sink: () => {}, level: "error" } }),
      },
      lost,
      signal,
    );
    assertEquals([lease.service, lease.bootstrap], [service, undefined]);
    assertEquals(
      (await checkVersion(lease.control, service)).version !== "",
      true,
    );
  },
);

Deno.test("broker finder: one that launchd was told to start, and that nobody sees, is named with what to do", async () => {
  using native = Native.open();
  const error = await assertRejects(
    () =>
      findBroker(
        native,
        {
          given: undefined,
          fallback: NOBODY,
          embed: () =>
            Promise.resolve({
              service: NOBODY,
              [Symbol.asyncDispose]: () => Promise.resolve(),
            }),
        },
        lost,
        signal,
      ),
    BridgeError,
  );
  assertEquals(error.code, "broker_unreachable");
  for (const text of [NOBODY, "in this session", "streamlib broker doctor"]) {
    assertStringIncludes(error.message, text);
  }
});

Deno.test("broker finder: on macOS it waits longer than launchd may let pass between two starts of a broker", () => {
  assertEquals(contactTimeoutMs("darwin"), 30_000);
  assertEquals(contactTimeoutMs("linux"), 10_000);
});

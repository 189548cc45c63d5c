import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Native } from "../../../ffi/native.ts";
import { contactTimeoutMs, findBroker } from "../../../host/broker_finder.ts";
import { BridgeError } from "../../../proto/errors.ts";

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

Deno.test("broker finder: one that serves the default name is not embedded, one of another name is", async () => {
  using native = Native.open();
  for (const [service, embedded] of [[NOBODY, false], [`${NOBODY}.x`, true]]) {
    let released = 0;
    {
      await using lease = await findBroker(
        native,
        {
          given: undefined,
          fallback: NOBODY,
          embed: () =>
            Promise.resolve({
              service: service as string,
              [Symbol.asyncDispose]: () => {
                released++;
                return Promise.resolve();
              },
            }),
        },
        lost,
        signal,
      );
      assertEquals([lease.service, lease.embedded], [service, embedded]);
    }
    assertEquals(released, 1);
  }
});

Deno.test("broker finder: on macOS it waits longer than launchd may let pass between two starts of a broker", () => {
  assertEquals(contactTimeoutMs("darwin"), 30_000);
  assertEquals(contactTimeoutMs("linux"), 10_000);
});

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { GrpcClient } from "../../../broker/grpc/grpc_client.ts";
import { Arguments } from "../../../cli/option.ts";
import { ENDPOINT } from "../../../cli/options.ts";
import { Presence } from "../../../cli/presence.ts";
import { BootstrapError, openSession } from "../../../cli/session.ts";
import type { TreeClient } from "../../../cli/terminal/console.ts";
import { BridgeError, type ErrorCode } from "../../../proto/errors.ts";
import { PROTOCOL_VERSION } from "../../../proto/wire/keys.ts";
import { TestConsole } from "../../helpers/cli.ts";

const LOST = "Cannot reach the bootstrap: python3 (process 7) has it";

/** A console in a bootstrap. */
class InTree extends TestConsole {
  /** Why the channel was lost. */
  loss: string | undefined;
  /** The code of each call's error. */
  fails: ErrorCode | undefined;
  readonly asked: string[] = [];

  constructor(value = "100:42") {
    super();
    this.env.clear();
    this.env.set("STREAMLIB_BOOTSTRAP", value);
    this.connectTree = (service) => {
      this.asked.push(service);
      return Promise.resolve(this.#client(service));
    };
    this.connect = (address) => {
      this.asked.push(address);
      return Promise.resolve(this.#client(address) as unknown as GrpcClient);
    };
  }

  #client(service: string): TreeClient {
    return {
      service,
      loss: () => this.loss,
      call: () =>
        this.fails
          ? Promise.reject(new BridgeError(this.fails, "no answer"))
          : Promise.resolve({ protocol_version: PROTOCOL_VERSION } as never),
      [Symbol.dispose]: () => {},
    };
  }

  open(endpoint?: string): ReturnType<typeof openSession> {
    const given = endpoint === undefined ? [] : [[ENDPOINT, endpoint] as const];
    const args = new Arguments(new Map(given));
    return openSession({ args, console: this });
  }
}

const SERVICE = "com.tatolab.streamlib.broker";

Deno.test("session: in a bootstrap its broker is asked, without a home, and ffi is given up", async () => {
  const console = new InTree();
  using session = await console.open();
  assertEquals(console.asked, [SERVICE]);
  assertEquals([session.address, session.streams], [
    `xpc:${SERVICE}`,
    undefined,
  ]);
  assertEquals(console.givenUp, ["ffi"]);
});

Deno.test("session: --endpoint names another broker also in a bootstrap", async () => {
  const console = new InTree();
  using session = await console.open("unix:/x");
  assertEquals(console.asked, ["unix:/x"]);
  assertEquals(session.address, "unix:/x");
  assertEquals(console.givenUp, ["ffi"]);
});

Deno.test("session: a channel that was lost is told, and no other broker is tried", async () => {
  const console = new InTree();
  console.loss = LOST;
  const error = await assertRejects(() => console.open(), BootstrapError, LOST);
  assertEquals([error.exit, console.asked], [3, [SERVICE]]);
  assertEquals(console.givenUp, ["ffi"]);
});

Deno.test("session: a bootstrap that does not know the broker: this user's is asked, unless it is isolated", async () => {
  const open = new InTree();
  open.env.set("HOME", "/home/ada");
  open.fails = "broker_unreachable";
  await assertRejects(() => open.open());
  assertEquals(open.asked.length, 2);
  const isolated = new InTree("100:42:isolated");
  isolated.fails = "broker_unreachable";
  const error = await assertRejects(() => isolated.open(), BootstrapError);
  assertStringIncludes(error.message, "and it is isolated");
  assertEquals(isolated.asked, [SERVICE]);
});

Deno.test("session: a broker of a bootstrap that does not answer is not replaced by another", async () => {
  const console = new InTree();
  console.fails = "timed_out";
  await assertRejects(() => console.open(), BootstrapError, "no answer");
  assertEquals(console.asked, [SERVICE]);
});

Deno.test("presence: a broker of a bootstrap that has ended does not come back", async () => {
  const console = new InTree();
  using session = await console.open();
  const said: string[] = [];
  const presence = new Presence(session, (words) => said.push(words));
  const gone = new BridgeError("broker_unreachable", "gone");
  presence.failed(gone);
  assertEquals(said.length, 1);
  console.loss = LOST;
  await assertRejects(
    async () => await presence.failed(gone),
    BootstrapError,
    LOST,
  );
});

import { assertEquals, assertStringIncludes } from "@std/assert";
import { Native } from "../../ffi/native.ts";
import type { MethodName } from "../../proto/broker_gen.ts";
import { FakeWorld } from "../helpers/fake_world.ts";
import { GRPC_NEEDS, serveControlPlane } from "../helpers/grpc_fixture.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { refusedCall } from "../helpers/refused_call.ts";
import { soon, until } from "../helpers/soon.ts";

// In a file of their own: a grpc-js client that has lost its server leaves a timer,
// which may end during another test.
const RECONNECTING = { sanitizeOps: false, sanitizeResources: false };

permittedTest(
  "closing ends streams with broker_lost, and the socket goes",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane({
      stream: {
        WatchConnection: async function* (caller): AsyncGenerator<object> {
          yield { connection_id: "1" };
          await new Promise((resolve) =>
            caller.signal.addEventListener("abort", resolve)
          );
        },
      },
    });
    const { client, carrier, path } = served;
    const events = client.stream("WatchConnection", {});
    await soon(events.next(), "the first event");
    await soon(carrier[Symbol.asyncDispose](), "the close");
    await refusedCall(soon(events.next(), "the end"), "broker_lost");
    assertEquals(
      [...Deno.readDirSync(path.slice(0, path.lastIndexOf("/")))],
      [],
    );
    assertStringIncludes(
      await refusedCall(client.call("GetHealth", {}), "broker_unreachable"),
      `unix:${path}`,
    );
  },
  RECONNECTING,
);

permittedTest(
  "the same client reaches the broker that comes back",
  GRPC_NEEDS,
  async () => {
    const { GrpcCarrier } = await import("../../broker/grpc/grpc_carrier.ts");
    const handlers = {
      unary: {
        GetHealth: () => Promise.resolve({ healthy: true }),
      } satisfies Partial<Record<MethodName, unknown>>,
      stream: {},
    };
    await using served = await serveControlPlane(handlers);
    const { client, carrier } = served;
    assertEquals((await client.call("GetHealth", {})).healthy, true);
    await soon(carrier[Symbol.asyncDispose](), "the close");
    await refusedCall(client.call("GetHealth", {}), "broker_unreachable");
    using native = Native.open();
    await using _again = await GrpcCarrier.start({
      native,
      service: "com.example.grpc",
      address: carrier.address,
      handlers,
      log: new FakeWorld().log,
    });
    let last: unknown;
    await until(
      "an answer of the next one",
      () =>
        client.call("GetHealth", {}).then(
          (answer) => answer.healthy,
          (error) => {
            last = error;
            return false;
          },
        ),
      () => String(last),
    );
  },
  RECONNECTING,
);

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Native } from "../../ffi/native.ts";
import { StreamListener } from "../../ffi/stream_listener.ts";
import { BridgeError } from "../../proto/errors.ts";
import { GRPC_NEEDS, PrivateDirectory } from "../helpers/grpc_fixture.ts";
import { GrpcProcess } from "../helpers/grpc_process.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

// A grpc-js client that has lost its server leaves a timer, which may end during
// another test.
const RECONNECTING = { sanitizeOps: false, sanitizeResources: false };
const NEEDS = { ...GRPC_NEEDS, run: true } as const;

// This kills Deno 2.9.4 to 2.9.6 without the guard of http2_guard.ts.
permittedTest(
  "the broker survives a client that closes after 300 calls",
  NEEDS,
  async () => {
    const { PatientClient } = await import("../helpers/patient_client.ts");
    using directory = new PrivateDirectory();
    const path = `${directory.path}/run/s`;
    await using broker = await GrpcProcess.start(path);
    for (let round = 0; round < 3; round++) {
      using client = new PatientClient(`unix:${path}`);
      for (let i = 0; i < 300; i++) await client.call("GetHealth", {});
    }
    using client = new PatientClient(`unix:${path}`);
    assertEquals((await client.call("GetHealth", {})).healthy, true);
    assertEquals(await broker.end(), { code: 0, signal: null, log: "" });
  },
  RECONNECTING,
);

permittedTest(
  "a client survives a broker that drains after 300 calls",
  { ...NEEDS, exhaustive: true },
  async () => {
    const { PatientClient } = await import("../helpers/patient_client.ts");
    using directory = new PrivateDirectory();
    const path = `${directory.path}/run/s`;
    await using broker = await GrpcProcess.start(path);
    using client = new PatientClient(`unix:${path}`);
    for (let i = 0; i < 300; i++) await client.call("GetHealth", {});
    assertEquals(await broker.end(), { code: 0, signal: null, log: "" });
    const error = await assertRejects(
      () => client.call("GetHealth", {}),
      BridgeError,
    );
    assertEquals(error.code, "broker_unreachable");
  },
  RECONNECTING,
);

permittedTest(
  "a killed broker's path can be served again, a living one's cannot",
  NEEDS,
  async () => {
    const { PatientClient } = await import("../helpers/patient_client.ts");
    using native = Native.open();
    using directory = new PrivateDirectory();
    const path = `${directory.path}/run/s`;
    for (let round = 0; round < 3; round++) {
      await using broker = await GrpcProcess.start(path);
      const error = assertThrows(
        () => StreamListener.bind(native, path),
        BridgeError,
      );
      assertEquals(error.code, "name_in_use");
      using client = new PatientClient(`unix:${path}`);
      assertEquals((await client.call("GetHealth", {})).healthy, true);
      await broker.kill();
      assert(Deno.lstatSync(path).isSocket, "the kill left its socket");
    }
    await using broker = await GrpcProcess.start(path);
    assertEquals((await broker.end()).code, 0);
    assertEquals([...Deno.readDirSync(`${directory.path}/run`)], []);
  },
  RECONNECTING,
);

permittedTest(
  "a broker that ran out of descriptors serves again, because silent connections make room",
  NEEDS,
  async () => {
    const { PatientClient } = await import("../helpers/patient_client.ts");
    using directory = new PrivateDirectory();
    const path = `${directory.path}/run/s`;
    await using broker = await GrpcProcess.start(path, { descriptors: 64 });
    using peers = new DisposableStack();
    for (let i = 0; i < 100; i++) {
      const peer = Deno.connect({ transport: "unix", path });
      peers.use(await soon(peer, "a connection"));
    }
    await broker.logged("cannot accept, will try again");
    using client = new PatientClient(`unix:${path}`);
    let failure: unknown;
    await until("it to serve again", async () => {
      try {
        return (await client.call("GetHealth", {})).healthy;
      } catch (error) {
        failure = error;
        return false;
      }
    }, () => String(failure));
    const { code, log } = await broker.end();
    assertEquals(code, 0);
    const all = log.trim().split("\n").map((line) => JSON.parse(line).message);
    const messages = all.filter((message) => message.includes("accept"));
    assert(all.some((message) => message.includes("made room for another")));
    // It may run out more than once. Each time there is one line, not one per failed attempt, and one when it works again.
    assertEquals(
      messages,
      messages.map((_, at) =>
        ["cannot accept, will try again", "accepting again"][at % 2]
      ),
      log,
    );
    assertEquals(messages.at(-1), "accepting again", log);
  },
  RECONNECTING,
);

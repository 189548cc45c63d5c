import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { createQuotas } from "../../broker/registry/quotas.ts";
import { SILENCE_MS } from "../../proto/limits.ts";
import { Native } from "../../ffi/native.ts";
import { StreamListener } from "../../ffi/stream_listener.ts";
import { BridgeError } from "../../proto/errors.ts";
import {
  GRPC_NEEDS,
  PrivateDirectory,
  serveControlPlane,
} from "../helpers/grpc_fixture.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { refusedCall } from "../helpers/refused_call.ts";
import { lapse, PATIENCE_MS, soon, until } from "../helpers/soon.ts";

const SANITIZED = { sanitizeOps: true, sanitizeResources: true };
const HEALTHY = {
  unary: { GetHealth: () => Promise.resolve({ healthy: true }) },
};
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const EMPTY_SETTINGS = "\0\0\0\x04\0\0\0\0\0";

function refusedBind(path: string): BridgeError {
  using native = Native.open();
  return assertThrows(() => StreamListener.bind(native, path), BridgeError);
}

function mode(path: string): string {
  return ((Deno.lstatSync(path).mode ?? 0) & 0o777).toString(8);
}

/** What a raw peer reads before its connection is closed, at most one buffer. */
async function readAll(conn: Deno.Conn): Promise<number> {
  const buffer = new Uint8Array(1024);
  try {
    return await soon(conn.read(buffer), "the end of the connection") ?? 0;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return 0;
    throw error;
  }
}

/** The text that a raw peer reads before its connection is closed, at most one buffer. */
async function readText(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(1024);
  const length = await soon(conn.read(buffer), "the reason") ?? 0;
  return new TextDecoder().decode(buffer.subarray(0, length));
}

permittedTest("only its owner can reach the socket", GRPC_NEEDS, async () => {
  await using served = await serveControlPlane(HEALTHY);
  const { path } = served;
  assertEquals(mode(path), "600");
  assertEquals(mode(`${path}.lock`), "600");
  assertEquals(mode(path.slice(0, path.lastIndexOf("/"))), "700");
}, SANITIZED);

permittedTest(
  "a second broker is refused and the first goes on",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane(HEALTHY);
    const error = refusedBind(served.path);
    assertEquals(error.code, "name_in_use");
    assert(error.message.includes(`unix:${served.path}`), error.message);
    assertEquals((await served.client.call("GetHealth", {})).healthy, true);
  },
  SANITIZED,
);

permittedTest(
  "of brokers that race for a path one wins",
  GRPC_NEEDS,
  async () => {
    using native = Native.open();
    using directory = new PrivateDirectory();
    const path = `${directory.path}/run/s`;
    for (let round = 0; round < 20; round++) {
      const results = await Promise.allSettled(
        Array.from(
          { length: 5 },
          () => Promise.try(() => StreamListener.bind(native, path)),
        ),
      );
      const won = results.filter((r) => r.status === "fulfilled");
      const codes = results.filter((r) => r.status === "rejected").map((r) =>
        (r.reason as BridgeError).code
      );
      assertEquals(won.length, 1);
      assertEquals(codes, Array(4).fill("name_in_use"));
      for (const { value } of won) value[Symbol.dispose]();
    }
  },
  SANITIZED,
);

permittedTest(
  "a path that was let go of is its next owner's alone",
  GRPC_NEEDS,
  async () => {
    using native = Native.open();
    using directory = new PrivateDirectory();
    const path = `${directory.path}/run/s`;
    for (let round = 0; round < 20; round++) {
      const first = StreamListener.bind(native, path);
      const accepting = first.accept();
      first[Symbol.dispose]();
      first[Symbol.dispose]();
      using _second = StreamListener.bind(native, path);
      await refusedCall(accepting, "closed");
      await lapse(1);
      assert(Deno.lstatSync(path).isSocket);
    }
    assertEquals([...Deno.readDirSync(`${directory.path}/run`)], []);
  },
  SANITIZED,
);

permittedTest(
  "a directory that others can reach is refused as it is",
  GRPC_NEEDS,
  () => {
    using directory = new PrivateDirectory();
    const open = `${directory.path}/open`;
    Deno.mkdirSync(open);
    Deno.chmodSync(open, 0o755);
    const error = refusedBind(`${open}/s`);
    assertEquals(error.code, "not_permitted");
    assert(error.message.includes("755"), error.message);
    assertEquals(mode(open), "755");
    assertEquals([...Deno.readDirSync(open)], []);
  },
  SANITIZED,
);

permittedTest(
  "what was planted in its place is refused and left alone",
  GRPC_NEEDS,
  () => {
    using directory = new PrivateDirectory();
    const run = `${directory.path}/run`;
    const target = `${directory.path}/target`;
    Deno.mkdirSync(run, { mode: 0o700 });
    Deno.writeTextFileSync(target, "precious");
    for (const name of ["s", "s.lock"]) {
      for (const to of [target, `${directory.path}/nowhere`]) {
        Deno.symlinkSync(to, `${run}/${name}`);
        assertEquals(refusedBind(`${run}/s`).code, "not_permitted");
        assertEquals(Deno.readLinkSync(`${run}/${name}`), to);
        Deno.removeSync(`${run}/${name}`);
      }
    }
    Deno.writeTextFileSync(`${run}/s`, "a file");
    assertEquals(refusedBind(`${run}/s`).code, "not_permitted");
    assertEquals(Deno.readTextFileSync(`${run}/s`), "a file");
    Deno.symlinkSync(run, `${directory.path}/link`);
    assertEquals(
      (refusedBind(`${directory.path}/link/other`)).code,
      "not_permitted",
    );
    assertEquals(Deno.readTextFileSync(target), "precious");
    assertEquals(
      [...Deno.readDirSync(directory.path)].map(({ name }) => name).sort(),
      ["link", "run", "target"],
    );
  },
  SANITIZED,
);

permittedTest("a path may have 103 bytes and no more", GRPC_NEEDS, () => {
  using native = Native.open();
  using directory = new PrivateDirectory();
  const longest = `${directory.path}/run/`.padEnd(103, "s");
  using socket = StreamListener.bind(native, longest);
  assertEquals(socket.path.length, 103);
  const error = refusedBind(`${longest}s`);
  assertEquals(error.code, "bad_argument");
  assert(error.message.includes("104 bytes"), error.message);
  assert(error.message.includes("takes 103"), error.message);
}, SANITIZED);

permittedTest(
  "a port is refused as long as nothing guards it",
  GRPC_NEEDS,
  async () => {
    const { GrpcCarrier } = await import("../../broker/grpc/grpc_carrier.ts");
    using native = Native.open();
    const { FakeWorld } = await import("../helpers/fake_world.ts");
    const error = await assertRejects(() =>
      GrpcCarrier.start({
        native,
        service: "com.example.grpc",
        address: "127.0.0.1:50051",
        handlers: { unary: {}, stream: {} },
        log: new FakeWorld().log,
      }), BridgeError);
    assertEquals(error.code, "bad_argument");
  },
  SANITIZED,
);

permittedTest(
  "peers that do not begin as HTTP/2 does are dropped",
  GRPC_NEEDS,
  async () => {
    // The last client sends a preface, well within the time limit.
    await using served = await serveControlPlane(HEALTHY, {
      prefaceTimeoutMs: 2_000,
    });
    const beginnings = {
      silent: "",
      slow: PREFACE.slice(0, 10),
      "without settings": PREFACE,
      "HTTP/1": "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "another frame": `${PREFACE}\0\0\0\x06\0\0\0\0\0`,
    };
    const begin = async ([name, beginning]: [string, string]) => {
      using conn = await Deno.connect({ transport: "unix", path: served.path });
      await conn.write(new TextEncoder().encode(beginning));
      assertEquals(await readAll(conn), 0, name);
    };
    await Promise.all(Object.entries(beginnings).map(begin));
    await until(
      "the connections to go",
      () => served.carrier.connectionCount === 0,
    );
    assertEquals((await served.client.call("GetHealth", {})).healthy, true);
  },
  SANITIZED,
);

permittedTest("a preface in single bytes is served", GRPC_NEEDS, async () => {
  await using served = await serveControlPlane(HEALTHY, {
    prefaceTimeoutMs: PATIENCE_MS,
  });
  using conn = await Deno.connect({ transport: "unix", path: served.path });
  for (const byte of new TextEncoder().encode(PREFACE + EMPTY_SETTINGS)) {
    await conn.write(Uint8Array.of(byte));
  }
  const answer = new Uint8Array(9);
  assertEquals(await soon(conn.read(answer), "the answer"), 9);
  assertEquals(answer[3], 4, "the server's SETTINGS");
}, SANITIZED);

permittedTest(
  "a silent connection makes room for the next one, the others are served",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane(HEALTHY, {
      quotas: createQuotas({ sessions: 12 }), // 3 for this process
      prefaceTimeoutMs: PATIENCE_MS, // no connection is closed by its time limit
    });
    const { client, carrier, path, logLines } = served;
    await client.call("GetHealth", {});
    const connect = () => Deno.connect({ transport: "unix", path });
    using first = await connect();
    using second = await connect();
    await until("all to be open", () => carrier.connectionCount === 3);
    for (let i = 0; i < 5; i++) {
      using refused = await connect();
      const answer = await readText(refused);
      assertStringIncludes(
        answer,
        `process ${Deno.pid} has 3 of 3 sessions, the limit of one process`,
      );
    }
    assertEquals(carrier.connectionCount, 3);
    assertEquals((await client.call("GetHealth", {})).healthy, true);
    assertEquals(
      logLines.map(({ pid, count }) => [pid, count]),
      [1, 2, 4].map((count) => [Deno.pid, count]),
    );
    await lapse(SILENCE_MS);
    using third = await connect();
    assertEquals(await readAll(first), 0, "the oldest silent one");
    await until("all to be open", () => carrier.connectionCount === 3);
    assertEquals((await client.call("GetHealth", {})).healthy, true);
    assertStringIncludes(
      String(logLines.at(-1)?.["message"]),
      "had said nothing useful",
    );
    second.close();
    third.close();
  },
  SANITIZED,
);

permittedTest(
  "a client that is refused fails at once, does not connect again and again, and is served when there is room",
  GRPC_NEEDS,
  async () => {
    const { PatientClient } = await import("../helpers/patient_client.ts");
    await using served = await serveControlPlane(HEALTHY, {
      quotas: createQuotas({ sessions: 4 }), // 1 for this process
    });
    await served.client.call("GetHealth", {});
    using second = new PatientClient(served.carrier.address);
    const message = await refusedCall(
      second.call("GetHealth", {}),
      "broker_unreachable",
    );
    assertStringIncludes(message, "its log says why it refused this process");
    const [line] = served.logLines;
    assertEquals([line?.["pid"], served.logLines.length], [Deno.pid, 1]);
    served.client[Symbol.dispose]();
    await until("room", () => served.carrier.connectionCount === 0);
    await until(
      "an answer",
      () => second.call("GetHealth", {}).then(() => true, () => false),
    );
  },
  SANITIZED,
);

permittedTest(
  "connections are counted out when their clients go",
  GRPC_NEEDS,
  async () => {
    const { PatientClient } = await import("../helpers/patient_client.ts");
    await using served = await serveControlPlane(HEALTHY);
    for (let round = 0; round < 20; round++) {
      using client = new PatientClient(served.carrier.address);
      await client.call("GetHealth", {});
    }
    await until("all to go", () => served.carrier.connectionCount === 0);
  },
  SANITIZED,
);

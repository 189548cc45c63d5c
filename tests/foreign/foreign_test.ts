import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Native } from "../../ffi/native.ts";
import { findBroker } from "../../host/broker_finder.ts";
import { makeBroker } from "../../host/assembly.ts";
import { Supervisor } from "../../host/supervisor.ts";
import {
  type ClientExit,
  type ClientProcess,
  clientStarter,
} from "../../host/spawn/spawn.ts";
import { canonicalJson } from "../../proto/schema/json/canonical_json.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { connectionSchemaToJson } from "../../proto/schema/json/connection_schema_json.ts";
import {
  CHANNEL_KEY,
  CTRL_TYPE,
  KEY,
  MESSAGE_TYPE,
  MSG_TYPE,
  REASON,
} from "../../proto/wire/keys.ts";
import { schemaHash } from "../../proto/schema/json/schema_hash.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import { hasPython } from "../../tools/install/python.ts";
import { compilePeer, foreignPython } from "./toolchain.ts";
import { killTree } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { PATIENCE_MS, soon } from "../helpers/soon.ts";
import { prepare } from "../helpers/preparation.ts";

/**
 * Peers that use nothing of this library: a control plane in Python, with
 * stubs generated from broker.proto, and a C program that uses <xpc/xpc.h>.
 */

const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  service: true,
} as const;
const ROOT = new URL("../../", import.meta.url);
const FRAMES = 12;

if (hasPython()) prepare("a Python with gRPC", foreignPython);

const schema = connectionSchema({
  inputs: { video: EVERY_FRAME },
  outputs: { video: EVERY_FRAME },
});

/** The counts of peer.c. */
interface Counts {
  role: string;
  ended: string;
  sent: number;
  received: number;
  wrong: number;
  dropped: number;
  released: number;
  offers: number;
  retired: number;
  refused: number;
}

/** A connection, as control_plane.py prints it. */
interface Info {
  host: string;
  client: string;
  derived: string;
  connected: boolean;
  stored: boolean;
  reason: string;
}

/** The last line of control_plane.py. */
interface Result {
  early: string;
  states: string[];
  info: Info;
  closed: Info;
  host: Counts;
  client: Counts;
  codes: number[];
}

const READY: Info = {
  host: "acked",
  client: "acked",
  derived: "ready",
  connected: true,
  stored: false,
  reason: "",
};

/** A program, its lines, and how it ended. */
class Program implements AsyncDisposable {
  readonly process: ClientProcess;
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  #last = "";

  constructor(
    command: string,
    args: string[],
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#child = new Deno.Command(command, {
      args,
      env,
      cwd: ROOT,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#lines = linesOf(this.#child.stdout);
    this.#input = this.#child.stdin.getWriter();
    const stderr = new Response(this.#child.stderr).text();
    this.process = {
      pid: this.#child.pid,
      stderrTail: "",
      exit: Promise.all([this.#child.status, stderr]).then((
        [{ code, signal }, text],
      ): ClientExit => ({ code, signal, stderrTail: text.trim() })),
      kill: (signal) => {
        try {
          this.#child.kill(signal);
        } catch (error) {
          if (!(error instanceof TypeError)) throw error; // it has ended
        }
      },
    };
  }

  /** Returns its next line. Throws with its stderr if it has ended. */
  async line(what: string): Promise<string> {
    const { value, done } = await soon(this.#lines.next(), what);
    if (!done) return this.#last = value;
    const { code, stderrTail } = await soon(this.process.exit, "its end");
    throw new Error(`${what}: it ended with code ${code}: ${stderrTail}`);
  }

  /** Writes a line to its stdin. */
  async tell(text: string): Promise<void> {
    const line = new TextEncoder().encode(`${text}\n`);
    await soon(this.#input.write(line), `its reading of ${text}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await soon(this.#end(), `the end after '${this.#last}'`);
    } catch (error) {
      await killTree(this.process.pid);
      throw error;
    }
  }

  async #end(): Promise<void> {
    this.process.kill("SIGTERM");
    await this.#input.close().catch(() => {}); // it may have ended first
    while (!(await this.#lines.next()).done) continue;
    await this.process.exit;
  }
}

async function* linesOf(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<string, void> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (text + chunk).split("\n");
    text = lines.pop()!;
    yield* lines;
  }
}

/** Ends a process that is not a child of this one. */
function terminate(pid: number): void {
  try {
    Deno.kill(pid, "SIGTERM");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // it has ended
  }
}

/** A broker, and the means to start foreign peers against it. */
interface World {
  readonly service: string;
  readonly peer: string;
  control(
    part: string,
    args?: string[],
    env?: Readonly<Record<string, string>>,
  ): Program;
}

function foreignTest(
  name: string,
  body: (world: World) => Promise<void>,
): void {
  const python = hasPython();
  permittedTest(
    python ? name : `${name} (ignored: no python3 with venv)`,
    NEEDS,
    async () => {
      using home = isolatedHome();
      const peer = `${home.path}/peer`;
      await compilePeer(peer);
      const command = await foreignPython();
      await using broker = new Program(
        Deno.execPath(),
        ["task", "--quiet", "broker", "--json"],
      );
      const ready = JSON.parse(await broker.line("the broker")) as {
        grpc: string;
        xpc_service: string;
        pid: number;
      };
      using _ = {
        // `deno task` is not the broker itself, and does not pass a signal on.
        [Symbol.dispose]: () => terminate(ready.pid),
      };
      await body({
        service: ready.xpc_service,
        peer,
        control: (part, args = [], env = {}) =>
          new Program(command, [
            fileURLToPath(new URL("tests/foreign/control_plane.py", ROOT)),
            part,
            ...["--address", ready.grpc, "--service", ready.xpc_service],
            ...["--peer", peer, "--frames", String(FRAMES)],
            ...args,
          ], env),
      });
    },
    { ignore: !python },
  );
}

/** Checks that every frame was sent and came back correct, and every surface was returned. */
function assertCounts(counts: Counts, expected: Partial<Counts>): void {
  assertEquals(counts, {
    ...counts,
    sent: FRAMES,
    received: FRAMES,
    released: FRAMES,
    wrong: 0,
    dropped: 0,
    refused: 0,
    ...expected,
  });
}

for (const ack of ["grpc", "xpc"]) {
  foreignTest(
    `our host against a client in C, its control plane in Python, the ACK over ${ack}`,
    (world) =>
      nativeLeavesNothing(async () => {
        const client = Promise.withResolvers<Program>();
        await using programs = new AsyncDisposableStack();
        const warnings: string[] = [];
        const host = new Supervisor(Native.open(), {
          schema,
          runtimeId: "test",
          processorId: "foreign",
          processorType: "reactive",
          timeoutSecs: PATIENCE_MS / 1000,
          findBroker: (native, lost, signal) =>
            findBroker(
              native,
              { given: world.service, fallback: "", embed: makeBroker },
              lost,
              signal,
            ),
          spawn: (env) => {
            const program = world.control("client", ["--ack", ack], env);
            programs.use(program);
            client.resolve(program);
            return program.process;
          },
          warn: (text) => warnings.push(text),
          restart: "never",
          restarting: () => {},
        });
        await using _ = {
          [Symbol.asyncDispose]: () => soon(host.close(), "the host's end"),
        };
        await soon(host.ready, "ready");
        const program = await soon(client.promise, "the client's start");
        const input = host.channel.senders.video;
        const results = host.channel.receivers.video[Symbol.asyncIterator]();
        for (let number = 0; number < FRAMES; number++) {
          // Another size each time: once a pool is full, surfaces are retired.
          const [width, height] = [60 + number, 5 + number];
          await soon(input.ready, "a free surface");
          using frame = input.acquire({
            pixel_buffer: { width, height, pixel_format: "rgba8" },
            pixel_format: "rgba8",
            width,
            height,
            timestamp_ns: -BigInt(number),
            frame_number: 2n ** 64n - 1n - BigInt(number),
          });
          frame.pixel_buffer.pixels.forEach((_, index, pixels) =>
            pixels[index] = number + 3 * index
          );
          assert(input.send(frame));
          const { value } = await soon(results.next(), `frame ${number}`);
          using out = value!;
          assertEquals(
            [out.width, out.height, out.pixel_format],
            [width, height, "rgba8"],
          );
          assertEquals(out.timestamp_ns, -BigInt(number));
          assertEquals(out.frame_number, 2n ** 64n - 1n - BigInt(number));
          const { pixels, bytes_per_row } = out.pixel_buffer;
          assertEquals(out.pixel_buffer.width, width);
          assertEquals(out.pixel_buffer.height, height);
          for (let y = 0; y < height; y++) {
            for (let x = 0; x < width * 4; x++) {
              const index = y * bytes_per_row + x;
              const sent = (number + 3 * index) & 255;
              assertEquals(pixels[index], 255 - sent, `byte ${index}`);
            }
          }
        }
        await soon(host.close(), "close");
        assertEquals(await soon(host.ended, "the host's end"), undefined);
        assertEquals(warnings, []);
        const result = JSON.parse(await program.line("the result")) as Result;
        assertEquals(result.states.at(-1), "ready");
        assertEquals(result.info, READY);
        assertEquals(result.codes, [0]);
        assertCounts(result.client, { role: "client", ended: "teardown" });
        assertEquals(result.client.offers, FRAMES);
        assert(result.client.retired > 0);
      }),
  );
}

for (const [tokens, ack] of [[true, "grpc"], [false, "xpc"]] as const) {
  foreignTest(
    `a host in C against our client, its control plane in Python, ${
      tokens ? "with" : "without"
    } tokens, the ACK over ${ack}`,
    async (world) => {
      await using host = world.control("host", [
        ...(tokens ? ["--tokens"] : []),
        ...["--ack", ack],
      ]);
      await host.tell(canonicalJson(connectionSchemaToJson(schema)));
      const { connection_id, client_token } = JSON.parse(
        await host.line("the allocation"),
      ) as { connection_id: string; client_token: string };
      assertEquals(client_token.length, tokens ? 64 : 0);
      const module = new URL("tests/fixtures/invert.ts", ROOT);
      const client = clientStarter({
        module,
        runner: new URL("client/runner.ts", ROOT),
        grpcClient: undefined,
        permissions: {},
        userEnv: {},
        deno: undefined,
        config: undefined,
        output: () => {},
      })({
        STREAMLIB_BROKER_XPC_SERVICE: world.service,
        STREAMLIB_CONNECTION_ID: connection_id,
        STREAMLIB_CONNECTION_TOKEN: client_token,
      });
      await using _ = {
        [Symbol.asyncDispose]: async () => {
          client.kill("SIGKILL");
          await soon(client.exit, "the client's end");
        },
      };
      const failed = client.exit.then((exit) => {
        if (exit.code !== 0) throw new Error(`the client: ${exit.stderrTail}`);
        return new Promise<never>(() => {});
      });
      const result = JSON.parse(
        await Promise.race([host.line("the result"), failed]),
      ) as Result;
      assertStringIncludes(result.early, "no endpoint is stored");
      assertEquals(result.states.at(-1), "ready");
      assertEquals(result.info, READY);
      assertStringIncludes(result.closed.reason, "closed: all frames are back");
      assertEquals(result.codes, [0]);
      assertCounts(result.host, { role: "host", ended: "done" });
      assertEquals(await soon(client.exit, "the client's end"), {
        code: 0,
        signal: null,
        stderrTail: "",
      });
    },
  );
}

foreignTest(
  "host and client in C, allocated with the first version's fields alone: the broker brings them together",
  async (world) => {
    await using pair = world.control("pair");
    const result = JSON.parse(await pair.line("the result")) as Result;
    assertStringIncludes(result.early, "has not received the endpoint");
    assertEquals(result.states.at(-1), "ready");
    assertEquals(result.info, READY);
    assertStringIncludes(result.closed.reason, "closed: done");
    assertEquals(result.codes, [0, 0]);
    assertCounts(result.host, { role: "host", ended: "done" });
    assertCounts(result.client, { role: "client", ended: "teardown" });
  },
);

permittedTest(
  "docs/protocol.md has every word of the wire, and its example the hash that it says",
  { read: true },
  async () => {
    const text = await Deno.readTextFile(new URL("docs/protocol.md", ROOT));
    const words = [KEY, MESSAGE_TYPE, CHANNEL_KEY, MSG_TYPE, CTRL_TYPE, REASON]
      .flatMap((table) => Object.values<string>(table));
    const documented = new Set(text.match(/\w+/g));
    assertEquals(words.filter((word) => !documented.has(word)), []);
    const [, json] = /```json\n([^`]*)```/.exec(text)!;
    assertStringIncludes(
      text,
      `schema_hash: "${schemaHash(JSON.parse(json!))}"`,
    );
  },
);

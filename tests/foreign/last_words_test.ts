import { assert, assertEquals, assertMatch } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { BrokerLink } from "../../ffi/broker_link.ts";
import { Native } from "../../ffi/native.ts";
import { findBroker } from "../../host/broker_finder.ts";
import { type ClientProcess, clientStarter } from "../../host/spawn/spawn.ts";
import { Supervisor } from "../../host/supervisor.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { DataFrame } from "../../proto/schema/frames/data_frame.ts";
import { canonicalJson } from "../../proto/schema/json/canonical_json.ts";
import { connectionSchemaToJson } from "../../proto/schema/json/connection_schema_json.ts";
import { schemaHash } from "../../proto/schema/json/schema_hash.ts";
import { accepted } from "../../proto/wire/control.ts";
import { CollectedText, killTree } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { PATIENCE_MS, soon, until } from "../helpers/soon.ts";
import { compilePeer } from "./toolchain.ts";

/**
 * Peers in C hear why the other side ends their channel, or why their own libxpc
 * does, and are held to the same budgets as peers in Deno.
 */

const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  service: true,
  linux: "the last packet",
} as const;
const SERVICE = "com.example.words";
const schema = connectionSchema({ inputs: { data: DataFrame } });
const json = connectionSchemaToJson(schema);

/** A peer in C. */
class CPeer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly stdout: CollectedText;
  readonly stderr: CollectedText;

  constructor(
    program: string,
    args: string[],
    env: Readonly<Record<string, string>>,
  ) {
    this.#child = new Deno.Command(program, {
      args,
      env: { PEER_SCHEMA_HASH: schemaHash(json), PEER_ACK: "xpc", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.stdout = new CollectedText(this.#child.stdout);
    this.stderr = new CollectedText(this.#child.stderr);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Its end, once its output was read. */
  async exit(): Promise<Deno.CommandStatus> {
    await Promise.all([this.stdout.end, this.stderr.end]);
    return await this.#child.status;
  }

  /** Writes a line to its stdin. */
  async tell(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
  }

  /** Ends its stdin. */
  async goOn(): Promise<void> {
    await this.#input.close().catch(() => {}); // it may have ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.goOn();
    await killTree(this.pid);
    await soon(this.exit(), "the peer's end");
  }
}

/** A host of ours and its client in C. */
function hostOf(start: (env: Readonly<Record<string, string>>) => CPeer) {
  const client = Promise.withResolvers<CPeer>();
  const host = new Supervisor(Native.open(), {
    schema,
    runtimeId: "test",
    processorId: "words",
    name: "client",
    processorType: "reactive",
    path: "lane",
    sleeps: false,
    timeoutSecs: PATIENCE_MS / 1000,
    findBroker: (native, lost, signal) =>
      findBroker(
        native,
        { given: SERVICE, fallback: "", embed: undefined },
        lost,
        signal,
      ),
    spawn: (env) => {
      const peer = start(env);
      client.resolve(peer);
      return {
        pid: peer.pid,
        stderrTail: "",
        exit: peer.exit().then(({ code, signal }) => ({
          code,
          signal,
          stderrTail: peer.stderr.text.trim(),
        })),
        kill: () => {}, // the peer is given the time to read why its host has ended
      };
    },
    warn: () => {},
    restart: "never",
    settings: {},
    restarting: () => {},
  });
  return { host, client: client.promise };
}

/** A name, and a test that gets the path of the compiled peer. */
const CASES: [name: string, body: (program: string) => Promise<void>][] = [];

function addCase(
  name: string,
  body: (program: string) => Promise<void>,
): void {
  CASES.push([name, body]);
}

addCase(
  "a client in C that its host refuses hears why",
  async (program) => {
    const { host, client } = hostOf((env) =>
      new CPeer(program, ["client"], {
        ...env,
        PEER_SCHEMA_HASH: "0".repeat(64),
      })
    );
    try {
      await using peer = await soon(client, "the client");
      assertEquals((await soon(peer.exit(), "its end")).code, 1);
      assertMatch(peer.stderr.text, /^peer: the client's schema is another/);
      const failure = await soon(host.ended, "the host's end");
      assertEquals(failure?.code, "schema_mismatch");
    } finally {
      await soon(host.close(), "close");
    }
  },
);

addCase(
  "a client in C that does not read what it confirms is ended by its host, and hears why",
  async (program) => {
    using native = Native.open();
    const { host, client } = hostOf((env) =>
      new CPeer(program, ["client", "unread"], env)
    );
    try {
      await using peer = await soon(client, "the client");
      await soon(host.ready, "ready");
      let outbox = 0;
      await until("the host's end", () => {
        if (host.over.aborted) return true;
        using frame = host.channel.senders.data.acquire({
          data: new Uint8Array(900_000),
          schema_name: "fed",
          timestamp_ns: 0n,
        });
        host.channel.senders.data.send(frame);
        outbox = Math.max(outbox, native.stats().outbox_bytes);
        return false;
      });
      assert(outbox < 17 * 1024 * 1024, `${outbox} bytes waited`);
      await peer.goOn();
      assertEquals((await soon(peer.exit(), "its end")).code, 1);
      assertMatch(
        peer.stderr.text,
        new RegExp(
          `^peer: the channel ended: the other side .*process ${peer.pid} does not read what was sent to it`,
        ),
      );
      const failure = await soon(host.ended, "the host's end");
      assertEquals(failure?.code, "outbox_full", failure?.message);
    } finally {
      await soon(host.close(), "close");
    }
  },
);

/** A client of ours, of a host that the test plays. */
function startClient(id: string, token: string): ClientProcess {
  return clientStarter({
    module: new URL("../fixtures/echo.ts", import.meta.url),
    name: "client",
    runner: new URL("../../client/runner.ts", import.meta.url),
    grpcClient: undefined,
    permissions: {},
    userEnv: {},
    deno: undefined,
    config: undefined,
    output: () => {},
  })({
    STREAMLIB_BROKER_XPC_SERVICE: SERVICE,
    STREAMLIB_CONNECTION_ID: id,
    STREAMLIB_CONNECTION_TOKEN: token,
  });
}

addCase(
  "a host in C that floods a client which is stopped is ended by its own libxpc with the reason, and the client hears it when it goes on",
  async (program) => {
    using native = Native.open();
    using link = new BrokerLink(native, SERVICE);
    const made = accepted(
      "AllocateConnection",
      await link.call("AllocateConnection", {
        runtime_id: "r",
        processor_id: "p",
        processor_type: "reactive",
        schema_json: canonicalJson(json),
        want_tokens: true,
      }),
    );
    await using peer = new CPeer(program, ["host", "0", "flood"], {
      STREAMLIB_BROKER_XPC_SERVICE: SERVICE,
      STREAMLIB_CONNECTION_ID: made.connection_id,
      STREAMLIB_CONNECTION_TOKEN: made.host_token,
      PEER_CLIENT_TOKEN: made.client_token,
    });
    const client = startClient(made.connection_id, made.client_token);
    try {
      await until(
        "flooding",
        () => peer.stdout.text.includes("flooding"),
        () => peer.stdout.text + peer.stderr.text + client.stderrTail,
      );
      Deno.kill(client.pid, "SIGSTOP");
      await peer.tell("go");
      await peer.stdout.until("its end", (text) => text.includes("ended"));
      const unread = `process ${client.pid} does not read what was sent to it`;
      assertMatch(
        peer.stderr.text,
        new RegExp(`^peer: the channel ended: ${unread}`),
      );
      Deno.kill(client.pid, "SIGCONT");
      const { code, stderrTail } = await soon(client.exit, "the client's end");
      assertEquals(code, 1, stderrTail);
      assertMatch(
        stderrTail,
        new RegExp(
          `outbox_full: the channel to the host ended: the other side .*${unread}`,
        ),
      );
      await peer.goOn();
      assertEquals((await soon(peer.exit(), "its end")).code, 1);
    } finally {
      client.kill("SIGKILL");
      await soon(client.exit, "the client's end");
    }
  },
);

permittedTest(
  "peers in C hear the other side's last words, and are held to its budgets",
  NEEDS,
  async (t) => {
    using home = isolatedHome();
    const program = `${home.path}/peer`;
    await compilePeer(program);
    await using _broker = await Broker.start({
      service: SERVICE,
      log: { sink: () => {} },
    });
    for (const [name, body] of CASES) await t.step(name, () => body(program));
  },
);

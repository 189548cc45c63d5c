import {
  INBOX_BYTES,
  MEMORY_BYTES,
  MIB,
  OUTBOX_BYTES,
} from "../helpers/queue_budgets.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Native } from "../../ffi/native.ts";
import { findEmbedded, startedIn } from "../helpers/embedded_search.ts";
import type { Bootstrap } from "../../ffi/bootstrap.ts";
import type { ClientProcess } from "../../host/spawn/spawn.ts";
import { Supervisor } from "../../host/supervisor.ts";
import { DEFAULT_TIMEOUT_SECS } from "../../proto/limits.ts";
import { ATTACKED } from "../fixtures/hostile_client.ts";
import { killTree } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { acquireFrame, launchFixture } from "../helpers/hosts.ts";
import { type Needs, permittedTest } from "../helpers/permitted.ts";
import { playedTest } from "../helpers/played_client.ts";
import { soon, until } from "../helpers/soon.ts";

/**
 * A host is attacked by the client that it has started, after a good handshake:
 * what waits stays within its budgets, the host goes on, and another host of the
 * same process gets all its frames.
 */

const NEEDS = {
  read: true,
  write: true,
  env: true,
  run: true,
  service: true,
} as const;

/** Starts the hostile client as a host's client. */
function startClient(
  attack: string,
  env: Readonly<Record<string, string>>,
  bootstrap: Bootstrap | undefined,
): ClientProcess {
  const child = startedIn(
    bootstrap,
    (channel) =>
      new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "-A",
          "-q",
          "--no-check",
          new URL("../fixtures/hostile_client.ts", import.meta.url).pathname,
          attack,
        ],
        env: { ...env, ...channel },
        stdin: "null",
        stdout: "null",
        stderr: "inherit",
      }).spawn(),
  );
  return {
    pid: child.pid,
    stderrTail: "",
    exit: child.status.then(({ code, signal }) => ({
      code,
      signal,
      stderrTail: "",
    })),
    kill: (signal) => child.kill(signal),
  };
}

function attackedHost(attack: string, warnings: string[]) {
  return new Supervisor(Native.open(), {
    schema: ATTACKED,
    runtimeId: "test",
    processorId: attack,
    name: "client",
    processorType: "reactive",
    path: "lane",
    sleeps: false,
    timeoutSecs: DEFAULT_TIMEOUT_SECS,
    findBroker: findEmbedded,
    spawn: (env, bootstrap) => startClient(attack, env, bootstrap),
    warn: (text) => warnings.push(text),
    restart: "never",
    settings: {},
    restarting: () => {},
  });
}

/** Registers a test of one attack, until `enough` messages have arrived. */
function attackTest(attack: string, what: string, enough = 200): void {
  permittedTest(
    `a host whose own client ${what} stays within its budgets, and its neighbour is served`,
    NEEDS,
    async () => {
      using _ = isolatedHome();
      using native = Native.open();
      await using neighbour = launchFixture("invert.ts");
      await soon(neighbour.ready, "the neighbour");
      const warnings: string[] = [];
      const host = attackedHost(attack, warnings);
      try {
        await soon(host.ready, "the attacked host");
        const before = native.stats().messages_received;
        const received = () => native.stats().messages_received - before;
        const memory = Deno.memoryUsage().rss;
        const peak = { inbox: 0, outbox: 0, memory: 0 };
        const results = neighbour.output.video[Symbol.asyncIterator]();
        let number = 0;
        for (; number < 60 || received() < enough; number++) { // the neighbour's frames are no messages
          await soon(neighbour.input.video.ready, `room for ${number}`);
          using frame = acquireFrame(neighbour, number);
          assert(neighbour.input.video.send(frame));
          const { value } = await soon(results.next(), `frame ${number}`);
          using out = value!;
          assertEquals(out.frame_number, BigInt(number));
          const { inbox_bytes, outbox_bytes } = native.stats();
          peak.inbox = Math.max(peak.inbox, inbox_bytes);
          peak.outbox = Math.max(peak.outbox, outbox_bytes);
          peak.memory = Math.max(peak.memory, Deno.memoryUsage().rss - memory);
        }
        // One message may be added to a queue that is not full yet.
        assert(peak.inbox <= INBOX_BYTES, `${peak.inbox} waited`);
        assert(peak.outbox <= OUTBOX_BYTES + MIB, `${peak.outbox} waited`);
        assert(peak.memory <= MEMORY_BYTES, `${peak.memory} bytes more`);
        assertEquals(neighbour.output.video.stats.dropped, 0);
        await killTree(host.bridge.clientPid);
        const failure = (await soon(host.ended, "the host's end"))!;
        assertEquals(failure.code, "client_failed", failure.message);
        assertStringIncludes(failure.message, "SIGKILL");
        assert(warnings.length < 10, warnings.join("\n"));
      } finally {
        if (host.bridge.clientPid) await killTree(host.bridge.clientPid);
        await soon(host.close(), "close");
      }
    },
  );
}

// Each client reads nothing, so the shim suspends it when the answers of its host wait for it.
attackTest("requests", "asks and reads nothing");
attackTest("releases", "releases what it never got");
attackTest("offers", "offers memory without end");
attackTest("control", "sends control messages that nobody knows");
attackTest("skipping", "floods a port that skips");
attackTest("ordered", "floods a port that must not skip");

/** Registers a test of a client that confirms what it does not read. */
function confirmsTest(attack: string, what: string, needs: Needs): void {
  permittedTest(
    `a host whose client reads nothing, and confirms all that it was sent${what}, ends and says why`,
    needs,
    async () => {
      using _ = isolatedHome();
      using native = Native.open();
      const host = attackedHost(attack, []);
      try {
        await soon(host.ready, "the attacked host");
        const { clientPid } = host.bridge;
        const { frames } = host.channel.senders;
        let outbox = 0;
        await until("the host's end", () => {
          if (host.over.aborted) return true;
          using frame = frames.acquire({
            data: new Uint8Array(900_000),
            schema_name: "fed",
            timestamp_ns: 0n,
          });
          frames.send(frame);
          outbox = Math.max(outbox, native.stats().outbox_bytes);
          return false;
        });
        assert(outbox <= OUTBOX_BYTES + MIB, `${outbox} waited`);
        const failure = (await soon(host.ended, "the host's end"))!;
        assertEquals(failure.code, "outbox_full", failure.message);
        assertStringIncludes(
          failure.message,
          `the channel to the client ended: process ${clientPid} does not read what was sent to it`,
        );
      } finally {
        if (host.bridge.clientPid) await killTree(host.bridge.clientPid);
        await soon(host.close(), "close");
      }
    },
  );
}

confirmsTest("confirms", "", { ...NEEDS, linux: "c/linux's packets" });
confirmsTest("confirms in its lane", " through its lane", NEEDS);

playedTest(
  "a host to which peers say hello again and again tells its owner once of each kind, fit for a terminal, and at the end how many",
  async ({ host, client, warnings }) => {
    const PEERS = 100;
    for (let i = 0; i < PEERS; i++) {
      using rogue = client.again();
      rogue.send({
        ...client.hello,
        ...(i % 2
          ? { schema_hash: "\u009b2J\u202e".repeat(10_000) }
          : { ctrl_type: "\x1b[2J".repeat(10_000) }),
      });
      await rogue.control("error");
    }
    assertEquals(warnings.length, 2, warnings.join("\n"));
    await soon(host.close(), "close");
    assertEquals(warnings[2], `${PEERS} peers were refused in all`);
    // deno-lint-ignore no-control-regex -- they are what is looked for
    assert(!/[\x00-\x1f\x7f-\x9f\u202e]/.test(warnings.join("")));
  },
);

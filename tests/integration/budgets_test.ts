/**
 * The queues' budgets under attack, in a broker and in any other listener, such
 * as a host's: the victim's queues and memory stay bounded, the attacker is
 * ended by name, and a bystander's requests are all answered. The attackers are
 * processes of their own; the victim and the bystander are in this one.
 */

import { MEMORY_BYTES, MIB, OUTBOX_BYTES } from "../helpers/queue_budgets.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Broker } from "../../broker/broker.ts";
import { Connection } from "../../ffi/connection.ts";
import { Listener } from "../../ffi/listener.ts";
import { Native } from "../../ffi/native.ts";
import type { XpcDictionary } from "../../proto/wire/xpc_value.ts";
import { killTree } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { PATIENCE_MS, until } from "../helpers/soon.ts";

/** `SLB_MAX_INBOX_TOTAL_BYTES` of the header. */
const INBOX_TOTAL_BYTES = 64 * MIB;
const NEEDS = {
  read: true,
  write: true,
  env: true,
  run: true,
  service: true,
} as const;

interface Flood extends AsyncDisposable {
  readonly pid: number;
}

function startFlood(service: string, ...args: string[]): Flood {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "-q",
      new URL("../fixtures/floods.ts", import.meta.url).pathname,
      service,
      ...args,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  return {
    pid: child.pid,
    [Symbol.asyncDispose]: async () => {
      await killTree(child.pid);
      await child.status;
    },
  };
}

function connect(native: Native, service: string): Connection {
  const connection = Connection.toService(native, service);
  connection.activate({
    message: (message) => message[Symbol.dispose](),
    ended: () => {},
  });
  return connection;
}

/** Sends requests one after the other, each of which must be answered, until `enough`. Returns the peaks meanwhile. */
async function bystand(
  native: Native,
  connection: Connection,
  request: XpcDictionary,
  enough: () => boolean,
): Promise<{ outbox: number; inbox: number; memory: number }> {
  const before = Deno.memoryUsage().rss;
  const peak = { outbox: 0, inbox: 0, memory: 0 };
  await until("the attack is over", async () => {
    for (let i = 0; i < 5; i++) {
      using _reply = await connection.request(request, {
        timeoutMs: PATIENCE_MS,
      });
      const { outbox_bytes, inbox_bytes } = native.stats();
      peak.outbox = Math.max(peak.outbox, outbox_bytes);
      peak.inbox = Math.max(peak.inbox, inbox_bytes);
      peak.memory = Math.max(peak.memory, Deno.memoryUsage().rss - before);
    }
    return enough();
  });
  return peak;
}

permittedTest(
  "a peer of the broker that asks and does not read is ended by name, and others are served",
  NEEDS,
  async () => {
    using _home = isolatedHome();
    using native = Native.open();
    const { Broker } = await import("../../broker/broker.ts");
    const service = "com.example.budget";
    const lines: string[] = [];
    await using _broker: Broker = await Broker.start({
      service,
      log: { sink: (line) => void lines.push(line) },
    });
    using bystander = connect(native, service);
    const request = { type: "get_version" };
    let id: string;
    {
      using allocated = await bystander.request({
        type: "allocate",
        runtime_id: "r",
        processor_id: "p",
        schema_json: JSON.stringify({ a: "x".repeat(40_000) }),
      }, { timeoutMs: PATIENCE_MS });
      assertEquals(allocated.body["success"], true);
      id = allocated.body["connection_id"] as string;
    }
    const { ended_outbox_full: before } = native.stats();
    const ended = () => native.stats().ended_outbox_full - before;
    await using flood = startFlood(
      service,
      "unread",
      JSON.stringify({ type: "get_schema", connection_id: id }),
    );
    const peak = await bystand(native, bystander, request, () => ended() >= 2);
    assert(peak.outbox <= 2 * OUTBOX_BYTES, `${peak.outbox} bytes waited`);
    assert(peak.memory <= MEMORY_BYTES, `${peak.memory} bytes more`);
    const line = lines.find((one) => one.includes("does not read"));
    assertStringIncludes(line ?? lines.join("\n"), `process ${flood.pid} does`);
  },
);

permittedTest(
  "messages that take far more when they are decoded do not fill a listener's memory, and others are served",
  NEEDS,
  async () => {
    using _home = isolatedHome();
    using native = Native.open();
    const service = "com.example.values";
    const peers = new Set<Connection>();
    let flooded = 0;
    using listener = Listener.ofService(native, service);
    listener.activate({
      peer: (connection) => {
        peers.add(connection);
        connection.activate({
          message: (message) => {
            if (message.wantsReply) message.reply({ fine: true });
            else flooded++;
            message[Symbol.dispose]();
          },
          ended: () => {
            connection[Symbol.dispose]();
            peers.delete(connection);
          },
        });
      },
      ended: () => {},
    });
    using bystander = connect(native, service);
    await using _one = startFlood(service, "values");
    await using _two = startFlood(service, "values");
    const peak = await bystand(native, bystander, {}, () => flooded >= 3);
    // Before the attackers are killed: each turn of the event loop decodes one more of their messages.
    listener[Symbol.dispose]();
    for (const peer of peers) peer[Symbol.dispose]();
    assert(peak.inbox > 0);
    assert(peak.inbox <= INBOX_TOTAL_BYTES, `${peak.inbox} bytes waited`);
    assert(peak.memory <= MEMORY_BYTES, `${peak.memory} bytes more`);
  },
);

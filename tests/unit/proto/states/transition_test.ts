import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import {
  type ConnectionRecord,
  derivedState,
  progress,
} from "../../../../proto/states/connection_record.ts";
import { MAX_REASON_LENGTH } from "../../../../proto/limits.ts";
import { CLIENT_STATES, HOST_STATES } from "../../../../proto/states/states.ts";
import {
  type ConnectionEvent,
  type Effect,
  transition,
} from "../../../../proto/states/transition.ts";
import {
  EVERY_EVENT,
  freshConnection,
  letters,
} from "../../../helpers/connection_events.ts";

/** After the timeout of `freshConnection()`. */
const LATE = 2000;

/** Applies events that must be accepted. */
function after(...types: (ConnectionEvent | string)[]): ConnectionRecord {
  let connection = freshConnection();
  for (const each of types) {
    const event = typeof each === "string"
      ? { type: each } as ConnectionEvent
      : each;
    connection = accepted(connection, event).connection;
  }
  return connection;
}

function accepted(
  connection: ConnectionRecord,
  event: ConnectionEvent,
  now = LATE,
): { connection: ConnectionRecord; effects: readonly Effect[] } {
  const outcome = transition(connection, event, now);
  if ("rejected" in outcome) throw new Error(outcome.rejected);
  return outcome;
}

function rejected(
  connection: ConnectionRecord,
  event: ConnectionEvent,
  now = LATE,
): string {
  const outcome = transition(connection, event, now);
  assert("rejected" in outcome, `${event.type} was accepted`);
  return outcome.rejected;
}

const HOST_ACKED: ConnectionEvent = { type: "acked", side: "host" };
const CLIENT_ACKED: ConnectionEvent = { type: "acked", side: "client" };
const TO_DELIVERED = [
  "endpoint_stored",
  "endpoint_requested",
  "endpoint_delivered",
];

/** One connection in each reachable state, by its letters. */
function reachable(): Map<string, ConnectionRecord> {
  const found = new Map([["Pp", freshConnection()]]);
  for (const connection of found.values()) {
    for (const event of EVERY_EVENT) {
      const outcome = transition(connection, event, LATE);
      if ("rejected" in outcome) continue;
      const key = letters(outcome.connection);
      if (!found.has(key)) found.set(key, outcome.connection);
    }
  }
  return found;
}

/**
 * Each cell is the state after the event on top, from the state on the left. `-` is
 * accepted without a change of state, `!` is rejected. Written by hand from the
 * specification. The columns are those of EVERY_EVENT; one column stands for both
 * sides if they do the same.
 */
const TABLE = `
     host   store  xpc    client ask    deliv  ack    ack    seen   reallo stats  fail   fail   lost   timed  closed
     alive  d      ready  alive         ered   host   client                      host   client        out
Pp   Ap     Xp     !      Pa     Pw     !      !      !      -      -      -      Fp     Pf     Ff     Ff     Ff
Pa   Aa     Xa     !      -      Pw     !      !      !      -      -      -      Fa     Pf     Ff     Ff     Ff
Pw   Aw     Xw     !      -      -      !      !      !      -      -      -      Fw     Pf     Ff     Ff     Ff
Ap   -      Xp     !      Aa     Aw     !      !      !      -      -      -      Fp     Af     Ff     Ff     Ff
Aa   -      Xa     !      -      Aw     !      !      !      -      -      -      Fa     Af     Ff     Ff     Ff
Aw   -      Xw     !      -      -      !      !      !      -      -      -      Fw     Af     Ff     Ff     Ff
Xp   -      -      -      Xa     Xw     !      !      !      -      -      -      Fp     Xf     Ff     Ff     Ff
Xa   -      -      -      -      Xw     !      !      !      -      -      -      Fa     Xf     Ff     Ff     Ff
Xw   -      -      -      -      -      Xr     !      !      -      -      -      Fw     Xf     Ff     Ff     Ff
Xr   -      !      -      -      -      -      Kr     Xk     -      -      -      Fr     Xf     Ff     Ff     Ff
Xk   -      !      -      -      -      -      Kk     -      -      -      -      Fk     Xf     Ff     Ff     Ff
Kr   -      !      -      -      -      -      -      Kk     -      -      -      Fr     Kf     Ff     Ff     Ff
Kk   -      !      -      -      -      -      -      -      -      -      -      Fk     Kf     Ff     !      Ff
Fp   !      !      !      !      !      !      !      !      -      !      !      -      Ff     Ff     Ff     Ff
Fa   !      !      !      !      !      !      !      !      -      !      !      -      Ff     Ff     Ff     Ff
Fw   !      !      !      !      !      !      !      !      -      !      !      -      Ff     Ff     Ff     Ff
Fr   !      !      !      !      !      !      !      !      -      !      !      -      Ff     Ff     Ff     Ff
Fk   !      !      !      !      !      !      !      !      -      !      !      -      Ff     Ff     Ff     Ff
Pf   !      !      !      !      !      !      !      !      -      !      !      Ff     -      Ff     Ff     Ff
Af   !      !      !      !      !      !      !      !      -      !      !      Ff     -      Ff     Ff     Ff
Xf   !      !      !      !      !      !      !      !      -      !      !      Ff     -      Ff     Ff     Ff
Kf   !      !      !      !      !      !      !      !      -      !      !      Ff     -      Ff     Ff     Ff
Ff   !      !      !      !      !      !      !      !      -      !      !      -      -      -      -      -
`.trim().split("\n").slice(2).map((line) => line.split(/\s+/));

/** The column of TABLE for each event of EVERY_EVENT. */
const COLUMN = [
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8,
  9,
  9,
  10,
  11,
  11,
  12,
  13,
  14,
  14,
  15,
  16,
];

Deno.test("transition: 23 of the 30 combinations can be reached, the others not", () => {
  const all = HOST_STATES.flatMap((host) =>
    CLIENT_STATES.map((client) =>
      letters({ ...freshConnection(), host, client })
    )
  );
  const found = reachable();
  assertEquals(
    all.filter((key) => !found.has(key)),
    ["Pr", "Pk", "Ar", "Ak", "Kp", "Ka", "Kw"],
  );
  assertEquals([...found.keys()].sort(), TABLE.map(([key]) => key!).sort());
});

for (const row of TABLE) {
  const [from] = row;
  Deno.test(`transition: every event in ${from}`, () => {
    const connection = reachable().get(from!)!;
    EVERY_EVENT.forEach((event, i) => {
      const outcome = transition(connection, event, LATE);
      const got = "rejected" in outcome
        ? "!"
        : letters(outcome.connection) === from
        ? "-"
        : letters(outcome.connection);
      assertEquals(got, row[COLUMN[i]!], `${from}, ${JSON.stringify(event)}`);
    });
  });
}

Deno.test("transition: in all 30 combinations no event loses an endpoint, or lets go of one twice", () => {
  for (const host of HOST_STATES) {
    for (const client of CLIENT_STATES) {
      for (const endpointStored of [false, true]) {
        const before = { ...freshConnection(), host, client, endpointStored };
        for (const event of EVERY_EVENT) {
          const outcome = transition(before, event, LATE);
          if ("rejected" in outcome) continue;
          const { connection, effects } = outcome;
          const where = `${letters(before)}, ${JSON.stringify(event)}`;
          let held = endpointStored ? 1 : 0;
          for (const effect of effects) {
            if (effect === "release_endpoint") held--;
            if (effect === "hold_endpoint") held++;
            assert(held === 0 || held === 1, `${where}: holds ${held}`);
          }
          assertEquals(held === 1, connection.endpointStored, where);
          if (
            ["ready", "failed", "closed"].includes(derivedState(connection))
          ) {
            assertEquals(held, 0, where);
          }
        }
      }
    }
  }
});

Deno.test("transition: a host that has stored nothing is not acked, whatever the client has", () => {
  for (const host of ["pending", "alive"] as const) {
    for (const client of ["xpc_endpoint_received", "acked"] as const) {
      const impossible = { ...freshConnection(), host, client };
      assertStringIncludes(
        rejected(impossible, HOST_ACKED),
        "the host has stored no endpoint",
      );
    }
  }
});

Deno.test("transition: what changes no state changes only what it says", () => {
  const mayChange: Partial<Record<ConnectionEvent["type"], string[]>> = {
    endpoint_requested: ["pollCount", "times"],
    stats_reported: ["stats", "times"],
  };
  for (const connection of reachable().values()) {
    for (const event of EVERY_EVENT) {
      const outcome = transition(connection, event, LATE);
      if (
        "rejected" in outcome ||
        letters(outcome.connection) !== letters(connection)
      ) continue;
      const may = mayChange[event.type] ?? ["times"];
      for (const key of Object.keys(connection) as (keyof ConnectionRecord)[]) {
        if (may.includes(key)) continue;
        assertEquals(outcome.connection[key], connection[key], event.type);
      }
      const held = event.type === "endpoint_stored";
      assertEquals(
        outcome.effects,
        held ? ["release_endpoint", "hold_endpoint"] : [],
      );
    }
  }
});

Deno.test("transition: the same input gives the same output and is left alone", () => {
  for (const connection of reachable().values()) {
    const copy = structuredClone(connection);
    for (const event of EVERY_EVENT) {
      assertEquals(
        transition(connection, event, LATE),
        transition(connection, event, LATE),
      );
    }
    assertEquals(connection, copy);
  }
});

Deno.test("transition: a repeat moves only when its side was last seen", () => {
  const once = accepted(freshConnection(), { type: "host_alive" }, 1100);
  const twice = accepted(once.connection, { type: "host_alive" }, 1200);
  assertEquals(once.connection.times, {
    created: 1000,
    hostAlive: 1100,
    hostSeen: 1100,
  });
  assertEquals(twice.connection.times, {
    created: 1000,
    hostAlive: 1100,
    hostSeen: 1200,
  });
  assertEquals(once.effects, ["notify_watchers"]);
  assertEquals(twice.effects, []);
});

Deno.test("transition: every timestamp of a good life", () => {
  const life: [ConnectionEvent, number][] = [
    [{ type: "host_alive" }, 1001],
    [{ type: "client_alive" }, 1002],
    [{ type: "endpoint_requested" }, 1003],
    [{ type: "endpoint_requested" }, 1004],
    [{ type: "endpoint_stored" }, 1005],
    [{ type: "endpoint_delivered" }, 1006],
    [HOST_ACKED, 1007],
    [CLIENT_ACKED, 1008],
    [{ type: "closed", reason: "done" }, 1009],
  ];
  let connection = freshConnection();
  for (const [event, now] of life) {
    ({ connection } = accepted(connection, event, now));
  }
  assertEquals(connection.times, {
    created: 1000,
    hostAlive: 1001,
    firstEndpointRequest: 1003,
    endpointStored: 1005,
    endpointDelivered: 1006,
    hostAcked: 1007,
    clientAcked: 1008,
    ready: 1008,
    failed: 1009,
    hostSeen: 1007,
    clientSeen: 1008,
  });
  assertEquals(connection.pollCount, 2);
  assertEquals(connection.failureReason, "closed: done");
  assertEquals(derivedState(connection), "closed");
  assertEquals([connection.host, connection.client], ["failed", "failed"]);
});

Deno.test("transition: a connection that was closed stays closed, one that failed stays failed", () => {
  const ends: ConnectionEvent[] = [
    { type: "failure_reported", side: "client", reason: "no GPU" },
    { type: "side_lost", side: "host", reason: "gone" },
    { type: "timed_out" },
    { type: "closed", reason: "bye" },
  ];
  for (const first of ends) {
    const state = first.type === "closed" ? "closed" : "failed";
    for (const second of ends) {
      const { connection } = accepted(
        accepted(freshConnection(), first, 1e9).connection,
        second,
        1e9,
      );
      assertEquals(derivedState(connection), state);
    }
  }
});

Deno.test("transition: a relay message implies alive for its side", () => {
  assertEquals(after("endpoint_stored").times.hostAlive, LATE);
  assertEquals(after("endpoint_requested").client, "waiting_for_endpoint");
});

Deno.test("transition: a second store replaces the first, until the client has received it", () => {
  const first = accepted(freshConnection(), { type: "endpoint_stored" });
  assertEquals(first.effects, ["hold_endpoint", "notify_watchers"]);
  const second = accepted(first.connection, { type: "endpoint_stored" });
  assertEquals(second.effects, ["release_endpoint", "hold_endpoint"]);
  assertStringIncludes(
    rejected(after(...TO_DELIVERED), { type: "endpoint_stored" }),
    "already received",
  );
});

Deno.test("transition: the endpoint is let go when ready, and only then or on failure", () => {
  const delivered = after(...TO_DELIVERED);
  assertEquals(delivered.endpointStored, true);
  const half = accepted(delivered, CLIENT_ACKED);
  assertEquals(half.effects, ["notify_watchers"]);
  const ready = accepted(half.connection, HOST_ACKED);
  assertEquals(ready.effects, ["release_endpoint", "notify_watchers"]);
  assertEquals(ready.connection.endpointStored, false);
  for (const event of EVERY_EVENT.slice(13)) {
    const failed = accepted(delivered, event);
    assertEquals(failed.effects, ["release_endpoint", "notify_watchers"]);
    assertEquals(failed.connection.endpointStored, false);
  }
});

Deno.test("transition: a refusal names the event, both states and why", () => {
  assertEquals(
    rejected(after("host_alive"), HOST_ACKED),
    "Cannot apply acked (host): host is alive, client is pending, connection is awaiting_client: the client has not received the endpoint",
  );
  assertStringIncludes(
    rejected(after({ type: "closed", reason: "bye" }), { type: "host_alive" }),
    "closed: bye",
  );
});

Deno.test("transition: an early timeout is refused", () => {
  const connection = freshConnection();
  assertStringIncludes(
    rejected(connection, { type: "timed_out" }, 1499),
    "its time is not over",
  );
  assertEquals(
    letters(accepted(connection, { type: "timed_out" }, 1500).connection),
    "Ff",
  );
});

const PROGRESS: [string, ConnectionRecord][] = [
  [
    "neither the host nor the client has reported since the allocation",
    after(),
  ],
  [
    "host never stored its endpoint, subprocess never started",
    after("host_alive"),
  ],
  ["subprocess never started", after("endpoint_stored")],
  ["client alive, the host has not reported", after("client_alive")],
  [
    "client alive, host never stored its endpoint",
    after("host_alive", "endpoint_requested"),
  ],
  [
    "client alive, never took the endpoint",
    after("endpoint_stored", "client_alive"),
  ],
  ["pong not received", after(...TO_DELIVERED)],
  ["client acked, pong not received", after(...TO_DELIVERED, CLIENT_ACKED)],
  ["host acked, client did not", after(...TO_DELIVERED, HOST_ACKED)],
];

for (const [phrase, connection] of PROGRESS) {
  Deno.test(`transition: a failure in ${letters(connection)} says "${phrase}"`, () => {
    assertEquals(progress(connection), phrase);
    assertEquals(
      accepted(connection, { type: "timed_out" }).connection.failureReason,
      `timed out after 0.5 s: ${phrase}`,
    );
    assertEquals(
      accepted(connection, { type: "side_lost", side: "host", reason: "gone" })
        .connection.failureReason,
      `host lost: gone (${phrase})`,
    );
  });
}

Deno.test("transition: a failed connection keeps its first reason", () => {
  const first = after({ type: "failure_reported", side: "host", reason: "x" });
  for (const event of EVERY_EVENT.slice(13)) {
    assertEquals(
      accepted(first, event).connection.failureReason,
      "host reported: x",
    );
  }
});

Deno.test("transition: a long reason is cut, never inside a character", () => {
  for (const pad of ["", "a"]) {
    const reason = pad + "😀".repeat(MAX_REASON_LENGTH);
    const kept = after({ type: "closed", reason }).failureReason;
    assert(kept.length <= MAX_REASON_LENGTH);
    assert(kept.isWellFormed());
    assertMatch(kept, /😀… \(\d+ characters more\)$/);
  }
});

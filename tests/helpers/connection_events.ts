import {
  type ConnectionRecord,
  newConnection,
} from "../../proto/states/connection_record.ts";
import { CLIENT_STATES, HOST_STATES } from "../../proto/states/states.ts";
import type { ConnectionEvent } from "../../proto/states/transition.ts";

const STATS = {
  path: "lane",
  frames: 1,
  bytes: 2,
  dropped: 3,
  p50Us: 4,
  p99Us: 5,
  hangs: 6,
  settingsJson: '{"amount":0.5}',
};

/** One event of every type. */
export const EVERY_EVENT: readonly ConnectionEvent[] = [
  { type: "host_alive" },
  { type: "endpoint_stored" },
  { type: "host_xpc_ready" },
  { type: "client_alive" },
  { type: "endpoint_requested" },
  { type: "endpoint_delivered" },
  { type: "acked", side: "host" },
  { type: "acked", side: "client" },
  { type: "seen", side: "host" },
  { type: "seen", side: "client" },
  { type: "reallocated" },
  { type: "stats_reported", side: "host", stats: STATS },
  { type: "stats_reported", side: "client", stats: STATS },
  { type: "failure_reported", side: "host", reason: "h" },
  { type: "failure_reported", side: "client", reason: "c" },
  { type: "side_lost", side: "host", reason: "h" },
  { type: "side_lost", side: "client", reason: "c" },
  { type: "timed_out" },
  { type: "closed", reason: "r" },
];

/** A new connection, allocated at time 1000, with a timeout of 500 ms. */
export function freshConnection(): ConnectionRecord {
  return newConnection({
    id: "id",
    runtimeId: "runtime",
    processorId: "processor",
    processorType: "type",
    schemaJson: "",
    timeoutMs: 500,
  }, 1000);
}

/** The states of host and client as two letters: host P A X K F, client p a w r k f. */
export function letters({ host, client }: ConnectionRecord): string {
  return "PAXKF"[HOST_STATES.indexOf(host)]! +
    "pawrkf"[CLIENT_STATES.indexOf(client)]!;
}

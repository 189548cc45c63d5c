/**
 * The shim's counters.
 *
 * @module
 */

import type { Symbols } from "./symbols.ts";

/** Counters of this process; see `slb_stats` in the header. */
export interface NativeStats {
  /** Live native objects of all kinds, in all isolates. */
  readonly live: number;
  /** Live native objects by kind. */
  readonly by_kind: Readonly<Record<NativeKind, number>>;
  /** Events that wait to be drained. */
  readonly events_waiting: number;
  /** Bytes of data values that were copied into messages. */
  readonly data_bytes_sent: number;
  /** Messages sent. */
  readonly messages_sent: number;
  /** Messages received. */
  readonly messages_received: number;
  /** Surfaces that are mapped. */
  readonly surfaces_mapped: number;
  /** Bytes that were sent on sockets. This counter and the next four are 0 on macOS. */
  readonly socket_bytes_sent: number;
  /** Bytes of messages that were too large for a packet, and sent in memory files. */
  readonly spill_bytes_sent: number;
  /** Descriptors that were sent. */
  readonly descriptors_sent: number;
  /** Live XPC objects. */
  readonly xpc_objects: number;
  /** Live XPC connections. */
  readonly xpc_connections: number;
  /** Mappings that stay until the process ends, because a view of them was transferred or their Worker was terminated. */
  readonly mappings_kept: number;
  /** Bytes of those mappings that hold their content. Beyond 256 MiB the oldest are replaced by zeros. */
  readonly mapping_bytes_kept: number;
  /** Bytes of received messages that wait to be drained, decoded, of all connections. */
  readonly inbox_bytes: number;
  /** Bytes that were sent and not taken yet, of all connections; up to 256 KiB too high for each. */
  readonly outbox_bytes: number;
  /** Connections that are suspended, because too much of theirs waits to be drained. */
  readonly suspended_connections: number;
  /** Connections that were ended because their peer did not read. */
  readonly ended_outbox_full: number;
  /** Messages that exceeded a limit, and were dropped. */
  readonly malformed_messages: number;
  /** Connections that were ended because of such messages. */
  readonly ended_malformed: number;
}

const KINDS = [
  "queue",
  "listener",
  "connection",
  "endpoint",
  "reply",
  "shmem",
  "fd",
  "surface",
  "stream",
  "bootstrap",
  "lane",
] as const;

/** A kind of native object. */
export type NativeKind = typeof KINDS[number];

const STATS_COUNT = 30;

/** Returns the counters of this process. */
export function readStats(symbols: Symbols): NativeStats {
  const raw = new BigUint64Array(STATS_COUNT);
  symbols.slb_stats(new Uint8Array(raw.buffer), STATS_COUNT);
  const n = (index: number): number => Number(raw[index] ?? 0n);
  return {
    live: n(0),
    by_kind: Object.fromEntries(
      KINDS.map((kind, index) => [kind, n(index + 1)]),
    ) as Record<NativeKind, number>,
    events_waiting: n(12),
    data_bytes_sent: n(13),
    messages_sent: n(14),
    messages_received: n(15),
    surfaces_mapped: n(16),
    socket_bytes_sent: n(17),
    spill_bytes_sent: n(18),
    descriptors_sent: n(19),
    xpc_objects: n(20),
    xpc_connections: n(21),
    mappings_kept: n(22),
    mapping_bytes_kept: n(23),
    inbox_bytes: n(24),
    outbox_bytes: n(25),
    suspended_connections: n(26),
    ended_outbox_full: n(27),
    malformed_messages: n(28),
    ended_malformed: n(29),
  };
}

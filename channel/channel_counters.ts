/**
 * What a channel counts beside its ports, and its statistics.
 *
 * @module
 */

import type { CopyCounter } from "../proto/schema/surface_view.ts";
import type { Id } from "../proto/wire/xpc_value.ts";
import type { ChannelStats } from "./channel_stats.ts";
import { LatencyWindow } from "./latency_window.ts";
import type { MemoryTable } from "./memory/memory_table.ts";
import type { ChannelPorts } from "./ports/channel_ports.ts";
import type { Problems } from "./problems.ts";
import type { TransportPath } from "./transport.ts";

/** Counts for one channel. */
export class ChannelCounters {
  /** The bytes of pixels that surfaces of this side have copied. */
  readonly copies: CopyCounter = { bytes: 0 };
  /** The times from sending to release. */
  readonly latency: LatencyWindow = new LatencyWindow();
  /** What carries frames, or did last. */
  path: TransportPath | undefined;
  #strayReleases = 0;
  /** What the peers before this one have dropped, and what this one has. */
  #peerDropped = { before: 0, now: 0 };

  /** A release has come. `isKnown`: what it releases was out with the peer. */
  released(isKnown: boolean): void {
    if (!isKnown) this.#strayReleases++;
  }

  /** The peer says how many frames it has dropped, in all. */
  peerDropped(count: Id): void {
    this.#peerDropped.now = Number(count);
  }

  /** The peer is gone. The next one counts from 0. */
  peerGone(): void {
    const { before, now } = this.#peerDropped;
    this.#peerDropped = { before: before + now, now: 0 };
  }

  /** Returns the counters of a channel so far. */
  stats(
    ports: ChannelPorts,
    table: MemoryTable,
    problems: Problems,
    leased: number,
  ): ChannelStats {
    const { before, now } = this.#peerDropped;
    let given_away = table.givenAway;
    for (const { givenAway } of ports.outgoing.values()) {
      given_away += givenAway;
    }
    return {
      path: this.path,
      ...ports.counts,
      leased,
      peer_dropped: before + now,
      stray_releases: this.#strayReleases,
      misfits: problems.misfits,
      given_away,
      copied_bytes: this.copies.bytes,
      ...this.latency.latency,
    };
  }
}

/**
 * The counters of a channel.
 *
 * @module
 */

import type { PortCounts } from "./ports/channel_ports.ts";
import type { Latency } from "./latency_window.ts";
import type { TransportPath } from "./transport.ts";

/** Counters of a channel since it was made, and the latency of its newest frames. */
export interface ChannelStats extends Latency, PortCounts {
  /**
   * What carries the frames of the connection, or has carried those of the last
   * one: `"lane"`, memory that both sides share, or `"dictionary"`, one XPC message
   * for each frame, which is slower. `undefined` until frames can flow for the
   * first time: which of them it is, the two sides find out when they connect.
   */
  readonly path: TransportPath | undefined;
  /** Frames that are on lease to code of this side now, clones included: read or acquired, and neither disposed nor sent. If it grows, `using` is missing somewhere. */
  readonly leased: number;
  /** Frames that the other side has dropped, received ones and its own before they were sent: its `dropped`, as far as it has said so. It says so when it releases frames. A side of an earlier version names only the received ones. */
  readonly peer_dropped: number;
  /** Releases received for a frame or a piece of memory that the other side does not have. They have no effect. */
  readonly stray_releases: number;
  /** Messages received and dropped because they were invalid, such as frames that do not fit their schema. */
  readonly misfits: number;
  /**
   * Textures and buffers that are not used again and stay mapped until the
   * process ends, because user code has transferred their `ArrayBuffer`.
   */
  readonly given_away: number;
  /** Bytes of pixels that methods of this side's surfaces have copied: `copyFrom`, `copyTo`, `toImageData`, `copy`. The channel itself copies none. */
  readonly copied_bytes: number;
}

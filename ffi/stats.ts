/**
 * Counters of what this process has copied and sent, kept by the shim.
 *
 * @module
 */

import { Native } from "./native.ts";
import type { NativeStats } from "./native_stats.ts";

/** Counters of this process, since its start. */
export interface TransferStats {
  /**
   * Bytes of payload that were copied to send them: data values in messages, and
   * messages too large for a packet. Pixels of surfaces are not included, unless
   * they were copied into a message.
   */
  readonly copied_bytes: number;
  /** Bytes written to sockets, including message headers; 0 on macOS. */
  readonly socket_bytes: number;
  /** Messages sent. */
  readonly messages: number;
  /** Descriptors sent; 0 on macOS. */
  readonly descriptors: number;
  /**
   * Textures and buffers that stay mapped until the process ends: their
   * `ArrayBuffer` was transferred, or the Worker that used them was terminated.
   */
  readonly mappings_kept: number;
}

/** Returns the current counters. */
export function transferStats(): TransferStats {
  using native = Native.open();
  const stats: NativeStats = native.stats();
  return {
    copied_bytes: stats.data_bytes_sent + stats.spill_bytes_sent,
    socket_bytes: stats.socket_bytes_sent,
    messages: stats.messages_sent,
    descriptors: stats.descriptors_sent,
    mappings_kept: stats.mappings_kept,
  };
}

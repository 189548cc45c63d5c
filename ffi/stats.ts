/**
 * What this process has copied and sent, counted by the shim.
 *
 * @module
 */

import { Native, type NativeStats } from "./native.ts";

/** Counters of this process, since its start. */
export interface TransferStats {
  /**
   * Bytes of payload that were copied on their way to another process: data
   * values put into messages, and messages too large for a packet. Pixels of
   * surfaces are in neither, unless something copied them.
   */
  readonly copied_bytes: number;
  /** Bytes put on sockets, all messages in whole; 0 on macOS. */
  readonly socket_bytes: number;
  /** Messages sent. */
  readonly messages: number;
  /** Descriptors that crossed; 0 on macOS. */
  readonly descriptors: number;
}

/** The counters now. */
export function transferStats(): TransferStats {
  using native = Native.open();
  const stats: NativeStats = native.stats();
  return {
    copied_bytes: stats.data_bytes_sent + stats.spill_bytes_sent,
    socket_bytes: stats.socket_bytes_sent,
    messages: stats.messages_sent,
    descriptors: stats.descriptors_sent,
  };
}

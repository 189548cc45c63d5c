/**
 * For a runtime: hosts, which run a processor in a process of its own.
 *
 * This is where host and broker are put together: nothing else in this folder
 * knows a broker, and the embedded one is loaded only when there is need of it.
 *
 * ```ts ignore
 * import { ReactiveHost, VideoFrame } from "@streamlib/bridge/host";
 *
 * await using invert = ReactiveHost.launch({
 *   module: new URL("./invert.ts", import.meta.url),
 *   inputs: { video: VideoFrame },
 *   outputs: { video: VideoFrame },
 * });
 * await invert.ready;
 * ```
 *
 * @module
 */

import type { NoPorts } from "../proto/connection_schema.ts";
import type { PortMap } from "../proto/port.ts";
import {
  type HostOptions,
  ReactiveHost as UnattachedReactiveHost,
} from "./reactive.ts";

export * from "../proto/mod.ts";
export { type TransferStats, transferStats } from "../ffi/stats.ts";
export type { ChannelStats } from "../ffi/channel/channel.ts";
export type {
  FrameReceiver,
  ReceivedFrame,
  ReceiverStats,
} from "../ffi/channel/frame_receiver.ts";
export type {
  FrameSender,
  FrameTemplate,
  OutgoingFrame,
  SenderStats,
} from "../ffi/channel/frame_sender.ts";
export type { HandshakeTimes } from "./bridge.ts";
export type { HostOptions } from "./reactive.ts";
export type { ClientPermissions } from "./spawn.ts";

/** A host whose client works on each frame that comes. */
export class ReactiveHost<
  I extends PortMap = NoPorts,
  O extends PortMap = NoPorts,
> extends UnattachedReactiveHost<I, O> {
  /**
   * Launches a host and its client. Returns at once: everything happens in the
   * background, and `ready` says when frames can flow.
   *
   * Needs `--allow-ffi` and `--allow-run` of the Deno that runs the client.
   *
   * @throws {BridgeError} `bad_argument`, `schema_mismatch` for options that
   * cannot be, `library_not_found`, `not_permitted`, `version_mismatch` where
   * the shim cannot be loaded
   */
  static launch<
    const I extends PortMap = NoPorts,
    const O extends PortMap = NoPorts,
  >(options: HostOptions<I, O>): ReactiveHost<I, O> {
    return new ReactiveHost(options, async () => {
      const { embedBroker } = await import("../broker/embedded.ts");
      return await embedBroker();
    });
  }
}

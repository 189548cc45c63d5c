/**
 * The continuous host: both ends work all the time.
 *
 * @module
 */

import type { NoPorts } from "../proto/schema/connection_schema.ts";
import type { PortMap } from "../proto/schema/port.ts";
import { DEFAULT_REST_MS } from "../channel/activity.ts";
import type { HostOptions } from "./options.ts";
import { ProcessorHost } from "./processor_host.ts";

/**
 * A host whose client works again and again, frames or not, and which can do
 * so itself: see {@link run}.
 */
export class ContinuousHost<
  I extends PortMap = NoPorts,
  O extends PortMap = NoPorts,
> extends ProcessorHost<I, O> {
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
  >(options: HostOptions<I, O>): ContinuousHost<I, O> {
    return new ContinuousHost(options, "continuous");
  }

  /**
   * Calls `turn` again and again, from when the host is ready until it has
   * ended or `signal` aborts: send what came in, take what came out. After a
   * turn in which no frame went either way the loop rests until one comes, or
   * for `restMs`: waiting costs no processor time.
   *
   * @throws {BridgeError} why the host has failed; what `turn` throws
   */
  run(
    turn: (host: this) => void | Promise<void>,
    options: { restMs?: number; signal?: AbortSignal } = {},
  ): Promise<void> {
    const { restMs = DEFAULT_REST_MS, signal } = options;
    return this.repeat(() => turn(this), restMs, signal);
  }
}

/**
 * The manual host: its client works from start to stop.
 *
 * @module
 */

import type { NoPorts } from "../proto/schema/connection_schema.ts";
import type { PortMap } from "../proto/schema/port.ts";
import type { HostOptions } from "./options.ts";
import { ProcessorHost } from "./processor_host.ts";

/**
 * A host whose client works from {@link start} to {@link stop}: a source, for
 * instance, which may have no inputs at all.
 */
export class ManualHost<
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
  >(options: HostOptions<I, O>): ManualHost<I, O> {
    return new ManualHost(options, "manual");
  }

  /**
   * Starts the processor. Before the host is ready this is remembered, and the
   * client is told once it is, exactly once; not at all if {@link stop} came
   * in between.
   */
  start(): void {
    this.setRunning(true);
  }

  /** Stops what {@link start} started. */
  stop(): void {
    this.setRunning(false);
  }
}

/**
 * The reactive host: each frame that goes in makes the client work, and its
 * results come out.
 *
 * @module
 */

import type { NoPorts } from "../proto/schema/connection_schema.ts";
import type { PortMap } from "../proto/schema/port.ts";
import type { HostOptions } from "./options.ts";
import { ProcessorHost } from "./processor_host.ts";

/**
 * A host whose client works on each frame that comes. Until it is ready,
 * frames are dropped and counted, silently.
 */
export class ReactiveHost<
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
  >(options: HostOptions<I, O>): ReactiveHost<I, O> {
    return new ReactiveHost(options, "reactive");
  }
}

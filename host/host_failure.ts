/**
 * The error with which a host fails.
 *
 * @module
 */

import type { UnreleasedFrame } from "../channel/ports/sent_copies.ts";
import { BridgeError, type ErrorCode } from "../proto/errors.ts";

/** How a {@link HostFailure} is made. */
export interface HostFailureOptions extends ErrorOptions {
  /** What {@link HostFailure.frames} is. Default: none. */
  readonly frames?: readonly UnreleasedFrame[];
}

/**
 * Why a host, or a client of it, has failed.
 *
 * ```ts ignore
 * const failure = await host.ended;
 * const last = failure?.frames.find(({ isLastRead }) => isLastRead);
 * if (last) console.log(`frame ${last.number} of '${last.port}' has killed it, perhaps`);
 * ```
 */
export class HostFailure extends BridgeError {
  /**
   * The frames that the client was sent and had not released, by input and in the
   * order of sending; see `HostOptions.keepFrames`. Without that option: none.
   */
  readonly frames: readonly UnreleasedFrame[];

  /** Made by a host. */
  constructor(
    code: ErrorCode,
    message: string,
    { frames = [], ...options }: HostFailureOptions = {},
  ) {
    super(code, message, options);
    this.frames = frames;
  }
}

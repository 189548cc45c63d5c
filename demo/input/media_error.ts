/**
 * The error of the demo's media code.
 *
 * @module
 */

/** Every code that a {@link MediaError} can carry. Stable: programs may match on it. */
export type MediaErrorCode =
  | "bad_argument"
  | "clip_unavailable"
  | "ffmpeg_failed"
  | "ffmpeg_not_found"
  | "input_not_found"
  | "input_unreadable"
  | "malformed_video"
  | "output_unwritable"
  | "unsupported_colours"
  | "unsupported_video";

/**
 * A media file, or an argument, cannot be used.
 *
 * ```ts
 * import { MediaError } from "./media_error.ts";
 *
 * const error = new MediaError("malformed_video", "Cannot read frame 3: the file ends in it");
 * console.assert(error.code === "malformed_video");
 * ```
 */
export class MediaError extends Error {
  /** Always "MediaError". */
  override name = "MediaError";

  /** Tells a failure in full.
   *
   * @param code the stable name of the failure
   * @param message what was tried, what was found, what to do
   * @param options the underlying `cause`, where there is one */
  constructor(
    /** The stable code of the failure. */
    readonly code: MediaErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

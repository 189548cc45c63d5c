/**
 * The schema of video.
 *
 * @module
 */

import { Enum, field, Int64, Texture, UInt32, UInt64 } from "../field_type.ts";
import type { Frame, Schema } from "../field_type.ts";
import { schema } from "../schema.ts";
import type { PixelFormat } from "../surface.ts";

/** One picture of a video. */
export const VideoFrame: Schema<{
  readonly pixel_buffer: Texture<"any">;
  readonly pixel_format: Enum<PixelFormat>;
  readonly width: UInt32;
  readonly height: UInt32;
  readonly timestamp_ns: Int64;
  readonly frame_number: UInt64;
}> = schema({
  name: "VideoFrame",
  version: { major: 1, minor: 0, patch: 0 },
  kind: "video",
  fields: {
    pixel_buffer: field(Texture("any"), "The picture"),
    pixel_format: field(
      Enum("bgra8", "rgba8", "rgba16f", "gray8"),
      "How the picture's pixels are laid out",
    ),
    width: field(UInt32, "Pixels per row"),
    height: field(UInt32, "Rows"),
    timestamp_ns: field(Int64, "When it was taken, monotonic, nanoseconds"),
    frame_number: field(UInt64, "How many came before it"),
  },
});

/** One picture of a video. */
export type VideoFrame = Frame<typeof VideoFrame>;

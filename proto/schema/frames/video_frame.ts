/**
 * The schema of video.
 *
 * @module
 */

import {
  Bool,
  Enum,
  Extended,
  field,
  Int64,
  Optional,
  Struct,
  Texture,
  UInt32,
  UInt64,
} from "../field_type.ts";
import type { Frame, Schema } from "../field_type.ts";
import { Clock, Count, Mirror } from "../marks/mark.ts";
import { schema } from "../schema.ts";
import type { PixelFormat } from "../surface.ts";

/**
 * The color space of a picture, with the names and values of WebCodecs. Each
 * part is `null` if it is not known. There, `full_range` is `fullRange`.
 */
export type ColorSpace = Struct<{
  /** The red, green and blue that the values mean. */
  readonly primaries: Optional<
    Enum<"bt709" | "bt470bg" | "smpte170m" | "bt2020" | "smpte432">
  >;
  /** How values follow from light; sRGB is iec61966-2-1. */
  readonly transfer: Optional<
    Enum<
      | "bt709"
      | "smpte170m"
      | "iec61966-2-1"
      | "linear"
      | "pq"
      | "hlg"
    >
  >;
  /** How luminance and color difference follow from red, green and blue. */
  readonly matrix: Optional<
    Enum<"rgb" | "bt709" | "bt470bg" | "smpte170m" | "bt2020-ncl">
  >;
  /** Whether values use the whole range, and not 16 to 235 of 255. */
  readonly full_range: Optional<Bool>;
}>;

/** The color space of a picture, as VideoFrame's `color` has it. */
export const ColorSpace: ColorSpace = Struct({
  primaries: field(
    Optional(Enum("bt709", "bt470bg", "smpte170m", "bt2020", "smpte432")),
    "The red, green and blue that the values mean",
  ),
  transfer: field(
    Optional(
      Enum("bt709", "smpte170m", "iec61966-2-1", "linear", "pq", "hlg"),
    ),
    "How values follow from light; sRGB is iec61966-2-1",
  ),
  matrix: field(
    Optional(Enum("rgb", "bt709", "bt470bg", "smpte170m", "bt2020-ncl")),
    "How luminance and color difference follow from red, green and blue",
  ),
  full_range: field(
    Optional(Bool),
    "Whether values use the whole range, and not 16 to 235 of 255",
  ),
});

/**
 * One picture of a video. A template needs its size and format only once:
 * `{ width, height, pixel_format }`, or `{ pixel_buffer }`.
 */
export const VideoFrame: Schema<{
  /** The picture. */
  readonly pixel_buffer: Texture<"any">;
  /** How the picture's pixels are laid out. */
  readonly pixel_format: Mirror<
    Enum<PixelFormat>,
    "pixel_buffer.pixel_format"
  >;
  /** Pixels per row. */
  readonly width: Mirror<UInt32, "pixel_buffer.width">;
  /** Rows. */
  readonly height: Mirror<UInt32, "pixel_buffer.height">;
  /** When it was taken, monotonic, nanoseconds. */
  readonly timestamp_ns: Clock<Int64>;
  /** How many came before it. */
  readonly frame_number: Count<UInt64>;
  /** What its values mean as colors, if that is known. */
  readonly color: Optional<ColorSpace>;
  /** How long it is shown, nanoseconds, if that is known. */
  readonly duration_ns: Optional<Int64>;
}> = schema({
  name: "VideoFrame",
  version: { major: 1, minor: 1, patch: 0 },
  kind: "video",
  fields: {
    pixel_buffer: field(Texture("any"), "The picture"),
    pixel_format: field(
      Mirror(
        Extended(
          Enum("bgra8", "rgba8", "rgba16f", "gray8"),
          1,
          "gray16",
          "rgb10a2",
          "nv12",
          "i420",
          "p010",
        ),
        "pixel_buffer.pixel_format",
      ),
      "How the picture's pixels are laid out",
    ),
    width: field(Mirror(UInt32, "pixel_buffer.width"), "Pixels per row"),
    height: field(Mirror(UInt32, "pixel_buffer.height"), "Rows"),
    timestamp_ns: field(
      Clock(Int64),
      "When it was taken, monotonic, nanoseconds",
    ),
    frame_number: field(Count(UInt64), "How many came before it"),
    color: field(
      Optional(ColorSpace),
      "What its values mean as colors, if that is known",
      { since: 1 },
    ),
    duration_ns: field(
      Optional(Int64),
      "How long it is shown, nanoseconds, if that is known",
      { since: 1 },
    ),
  },
});

/** One picture of a video. */
export type VideoFrame = Frame<typeof VideoFrame>;

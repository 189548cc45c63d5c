import {
  paddedLayout,
  type PictureSize,
  planeSizes,
  type SurfaceLayout,
} from "../../proto/schema/surface_layout.ts";
import {
  type CopyCounter,
  SurfaceView,
} from "../../proto/schema/surface_view.ts";

/** A surface in memory of this process. The padding of its rows is 0xee at first. */
export class MemorySurface extends SurfaceView {
  readonly layout: SurfaceLayout;
  readonly pixels: Uint8Array<ArrayBuffer>;

  constructor(layout: SurfaceLayout, copies?: CopyCounter) {
    super(copies);
    this.layout = layout;
    this.pixels = new Uint8Array(layout.bytes).fill(0xee);
  }
}

/** The layout of a picture whose rows have so many bytes of padding, and its planes as many between them. */
export function layoutWith(size: PictureSize, padding: number): SurfaceLayout {
  let bytes = 0;
  const planes = planeSizes(size).map(({ width, height, row_bytes }) => {
    const bytes_per_row = row_bytes + padding;
    const offset = bytes;
    bytes += bytes_per_row * height + padding;
    return { offset, width, height, bytes_per_row };
  });
  bytes -= padding;
  return {
    ...paddedLayout(size),
    bytes_per_row: planes[0]!.bytes_per_row,
    planes,
    bytes,
  };
}

/** So many bytes that differ from their neighbours. */
export function noise(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    { length },
    (_, i) => (i * 7 + (i >> 8) + seed) & 0xff,
  );
}

/**
 * Surfaces in private memory of this process: copies, and those of frames that
 * will be dropped.
 *
 * @module
 */

import {
  paddedLayout,
  type PictureSize,
  type SurfaceLayout,
} from "../../proto/schema/surface_layout.ts";
import { SurfaceView } from "../../proto/schema/surface_view.ts";

/** A surface that is never sent. Its pixels are allocated when they are first read. */
export class PrivateSurface extends SurfaceView {
  readonly layout: SurfaceLayout;
  #pixels: Uint8Array<ArrayBuffer> | undefined;

  /** Makes an empty surface. */
  constructor(size: PictureSize) {
    super();
    this.layout = paddedLayout(size);
  }

  get pixels(): Uint8Array<ArrayBuffer> {
    if (!this.#pixels || this.#pixels.buffer.detached) {
      this.#pixels = new Uint8Array(this.layout.bytes);
    }
    return this.#pixels;
  }
}

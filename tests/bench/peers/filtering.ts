/** The demo's filter on 1080p without a bridge. */

import { EdgeDetector } from "../../../demo/filter/edge_detector.ts";

const WIDTH = 1920;
const HEIGHT = 1080;
/** The pictures that are in memory at once: as many as a port holds. */
const BUFFERS = 8;

/** Filled: untouched memory is one page of zeros, which stays in the caches. */
function pictures(): Uint8Array[] {
  return Array.from(
    { length: BUFFERS },
    () => new Uint8Array(WIDTH * HEIGHT * 4).fill(0),
  );
}

/** A filter with its pictures. */
export class Filtering {
  readonly #detector = new EdgeDetector(WIDTH, HEIGHT);
  readonly #from = pictures();
  readonly #to = pictures();

  /** Filters pictures. Returns how long that took, in milliseconds. */
  run(count: number): number {
    const stride = WIDTH * 4;
    const began = performance.now();
    for (let i = 0; i < count; i++) {
      const at = i % BUFFERS;
      this.#detector.detect(this.#from[at]!, stride, this.#to[at]!, stride);
    }
    return performance.now() - began;
  }
}

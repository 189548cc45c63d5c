/**
 * Scales video frames plane by plane, before the conversion to pixels: with shared
 * chroma that is half the work.
 *
 * @module
 */

import { type PlaneLayout, planeLayout, samplesOf } from "./y4m.ts";

/** Samples of 8 bits, or of more. */
type Samples = Uint8Array | Uint16Array;

/** Weights are in 1/256. */
const ONE = 256;

/**
 * Scales frames of one layout to another size, bilinearly.
 *
 * Good for enlarging and for reducing to about a half; below that, rows and
 * columns are skipped.
 *
 * ```ts
 * import { FrameScaler } from "./scale.ts";
 * import { planeLayout } from "./y4m.ts";
 *
 * const scaler = new FrameScaler(planeLayout(1, 1, "mono"), 2, 2);
 * console.assert(scaler.scale(new Uint8Array([9])).join() === "9,9,9,9");
 * ```
 */
export class FrameScaler {
  /** The planes of the scaled frames; their chroma is that of the original ones. */
  readonly layout: PlaneLayout;
  readonly #frame: Samples;
  readonly #planes: PlaneScaler[];

  /** Computes the sources of each pixel.
   *
   * @param from the planes of every frame that will come
   * @param width columns of the scaled frames
   * @param height rows of the scaled frames */
  constructor(from: PlaneLayout, width: number, height: number) {
    const to = planeLayout(width, height, from.chroma, from.depth);
    this.layout = to;
    this.#frame = samplesOf(new Uint8Array(to.frameBytes), to);
    this.#planes = [
      new PlaneScaler(0, from.width, from.height, 0, to.width, to.height),
    ];
    if (from.chroma === "mono") return;
    for (const plane of [0, 1]) {
      this.#planes.push(
        new PlaneScaler(
          from.width * from.height +
            plane * from.chromaWidth * from.chromaHeight,
          from.chromaWidth,
          from.chromaHeight,
          to.width * to.height + plane * to.chromaWidth * to.chromaHeight,
          to.chromaWidth,
          to.chromaHeight,
        ),
      );
    }
  }

  /** Borrows `frame` in the other size, valid until the next call. */
  scale(frame: Samples): Samples {
    for (const plane of this.#planes) plane.scale(frame, this.#frame);
    return this.#frame;
  }
}

/** Scales one plane, which starts at `fromStart` in one frame and at `toStart` in the other. */
class PlaneScaler {
  readonly #fromColumns: number;
  readonly #toColumns: number;
  readonly #columns: Steps;
  readonly #rows: Steps;
  /** The two source rows that are being blended, already of the new width, in 1/256. */
  readonly #stretched: [Uint32Array, Uint32Array];
  readonly #stretchedRow: [number, number] = [-1, -1];

  constructor(
    readonly fromStart: number,
    fromColumns: number,
    fromRows: number,
    readonly toStart: number,
    toColumns: number,
    toRows: number,
  ) {
    this.#fromColumns = fromColumns;
    this.#toColumns = toColumns;
    this.#columns = steps(fromColumns, toColumns);
    this.#rows = steps(fromRows, toRows);
    this.#stretched = [new Uint32Array(toColumns), new Uint32Array(toColumns)];
  }

  scale(from: Samples, to: Samples): void {
    const { first, second, weight } = this.#rows;
    const columns = this.#toColumns;
    this.#stretchedRow.fill(-1);
    for (let y = 0; y < first.length; y++) {
      const above = this.#stretch(from, first[y]!);
      const below = this.#stretch(from, second[y]!);
      const w = weight[y]!;
      const row = this.toStart + y * columns;
      for (let x = 0; x < columns; x++) {
        to[row + x] = (above[x]! * (ONE - w) + below[x]! * w + ONE * ONE / 2) >>
          16;
      }
    }
  }

  /** Source row `y` in the new width. Neighbouring rows are of different parity, so each has a slot of its own. */
  #stretch(from: Samples, y: number): Uint32Array {
    const slot = (y & 1) as 0 | 1;
    const target = this.#stretched[slot];
    if (this.#stretchedRow[slot] === y) return target;
    this.#stretchedRow[slot] = y;
    const { first, second, weight } = this.#columns;
    const row = this.fromStart + y * this.#fromColumns;
    for (let x = 0; x < target.length; x++) {
      const w = weight[x]!;
      target[x] = from[row + first[x]!]! * (ONE - w) +
        from[row + second[x]!]! * w;
    }
    return target;
  }
}

/** For each place on one axis of the new picture: the two old places that it is
 * blended from, and the weight of the second. */
interface Steps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weight: Int32Array;
}

function steps(from: number, to: number): Steps {
  const first = new Int32Array(to);
  const second = new Int32Array(to);
  const weight = new Int32Array(to);
  for (let i = 0; i < to; i++) {
    // Pixels are sampled at their centres.
    const centre = (i + 0.5) * from / to - 0.5;
    const at = Math.max(0, Math.min(from - 1, centre));
    first[i] = Math.floor(at);
    second[i] = Math.min(from - 1, first[i]! + 1);
    weight[i] = Math.round((at - first[i]!) * ONE);
  }
  return { first, second, weight };
}

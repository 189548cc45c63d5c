/**
 * The surfaces that one port sends: made once, used again and again.
 *
 * A surface is free, held by a frame that is being filled, or out with the
 * receiver. It comes back when the receiver releases the very generation that
 * was sent. The pool grows to a bound and no further.
 *
 * @module
 */

import type { PixelFormat, Surface } from "../../proto/surface.ts";
import type { Native } from "../native.ts";
import { NativeSurface } from "../surface.ts";

/** The size and format of a surface. Any {@link Surface} is one. */
export interface SurfaceSpec {
  /** Pixels per row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** How the pixels are laid out. */
  readonly pixel_format: PixelFormat;
}

/** A surface of a pool. */
export interface PooledSurface {
  readonly surface: NativeSurface;
  /** Names it on the channel. */
  readonly id: bigint;
  /** Counts its uses; a release of an earlier one means nothing. */
  generation: bigint;
  state: "free" | "held" | "out";
  /** Whether the receiver has it. */
  offered: boolean;
}

/** What a pool needs from its channel. */
export interface PoolOwner {
  /** An id that no surface of this side had before. */
  nextId(): bigint;
  /** The surface is gone: the receiver need not keep it. */
  retire(pooled: PooledSurface): void;
}

function fits(surface: Surface, spec: SurfaceSpec): boolean {
  return surface.width === spec.width && surface.height === spec.height &&
    surface.pixel_format === spec.pixel_format;
}

/** A bounded pool of surfaces. Its users decide what a full pool means. */
export class SurfacePool implements Disposable {
  readonly #native: Native;
  readonly #owner: PoolOwner;
  readonly #bound: number;
  readonly #surfaces = new Set<PooledSurface>();
  #spare: NativeSurface | undefined;

  /** @param bound surfaces at the most */
  constructor(native: Native, owner: PoolOwner, bound: number) {
    this.#native = native;
    this.#owner = owner;
    this.#bound = bound;
  }

  /** Whether {@link take} would find or make a surface. */
  get hasRoom(): boolean {
    if (this.#surfaces.size < this.#bound) return true;
    for (const { state } of this.#surfaces) if (state === "free") return true;
    return false;
  }

  /** A surface to fill, now `held`; `undefined` when all are in use. */
  take(spec: SurfaceSpec): PooledSurface | undefined {
    let free: PooledSurface | undefined;
    for (const pooled of this.#surfaces) {
      if (pooled.state !== "free") continue;
      if (fits(pooled.surface, spec)) return this.#hold(pooled);
      free ??= pooled;
    }
    if (this.#surfaces.size >= this.#bound) {
      if (!free) return undefined;
      this.#drop(free); // of a size that nobody wants any more
    }
    const pooled: PooledSurface = {
      surface: NativeSurface.create(
        this.#native,
        spec.width,
        spec.height,
        spec.pixel_format,
      ),
      id: this.#owner.nextId(),
      generation: 0n,
      state: "free",
      offered: false,
    };
    this.#surfaces.add(pooled);
    return this.#hold(pooled);
  }

  #hold(pooled: PooledSurface): PooledSurface {
    pooled.state = "held";
    pooled.generation++;
    return pooled;
  }

  /** A surface to fill in vain: for a frame that will be dropped because all others are in use. */
  spare(spec: SurfaceSpec): NativeSurface {
    if (this.#spare && !fits(this.#spare, spec)) {
      this.#spare[Symbol.dispose]();
      this.#spare = undefined;
    }
    this.#spare ??= NativeSurface.create(
      this.#native,
      spec.width,
      spec.height,
      spec.pixel_format,
    );
    return this.#spare;
  }

  /** The surface may be used again. */
  putBack(pooled: PooledSurface): void {
    pooled.state = "free";
  }

  /** The receiver is gone, and with it everything that it held. */
  reclaim(): void {
    for (const pooled of this.#surfaces) {
      if (pooled.state === "out") pooled.state = "free";
      pooled.offered = false;
    }
  }

  #drop(pooled: PooledSurface): void {
    this.#surfaces.delete(pooled);
    this.#owner.retire(pooled);
    pooled.surface[Symbol.dispose]();
  }

  /** Releases all surfaces. */
  [Symbol.dispose](): void {
    for (const pooled of this.#surfaces) this.#drop(pooled);
    this.#spare?.[Symbol.dispose]();
    this.#spare = undefined;
  }
}

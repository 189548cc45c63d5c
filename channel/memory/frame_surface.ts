/**
 * Surfaces as they are in frames.
 *
 * @module
 */

import type { NativeSurfaceHandle } from "../../proto/schema/surface.ts";
import type { SurfaceLayout } from "../../proto/schema/surface_layout.ts";
import { SurfaceView } from "../../proto/schema/surface_view.ts";
import type { SharedMemory } from "../../ffi/shared_memory.ts";
import type { PieceView } from "./lease.ts";

/** The memory of a surface. */
export interface SurfaceMemory extends SharedMemory {
  /** Where the pixels are in a view of it. */
  readonly layout: SurfaceLayout;
  /** The system's handle; undefined if it is private memory. */
  readonly handle: NativeSurfaceHandle | undefined;
  /** Identifies the memory. The same in every process that maps it; 0 if it is private. */
  readonly memory_id: bigint;
}

/** A surface in one frame. Its pixels can be used as long as the frame's lease. */
export class FrameSurface extends SurfaceView {
  readonly #view: PieceView;
  readonly #memory: SurfaceMemory;
  #pixels: Uint8Array<ArrayBuffer> | undefined;

  constructor(view: PieceView, memory: SurfaceMemory) {
    super(view.copies);
    this.#view = view;
    this.#memory = memory;
  }

  /** Returns the view behind a surface; undefined if it is not one of a frame. */
  static viewOf(surface: object): PieceView | undefined {
    return #view in surface ? surface.#view : undefined;
  }

  /** Returns the same surface in another lease. */
  again(view: PieceView): FrameSurface {
    return new FrameSurface(view, this.#memory);
  }

  get layout(): SurfaceLayout {
    return this.#memory.layout;
  }

  /** Identifies the memory. The same in every process that maps it. */
  get memory_id(): bigint {
    return this.#memory.memory_id;
  }

  override get handle(): NativeSurfaceHandle | undefined {
    this.#view.checkHeld();
    return this.#memory.handle;
  }

  get pixels(): Uint8Array<ArrayBuffer> {
    const { buffer } = this.#view;
    return this.#pixels ??= new Uint8Array(buffer);
  }
}

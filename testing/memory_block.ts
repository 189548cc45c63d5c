/**
 * Memory of this process in the place of shared memory, for a processor and its
 * test. A frame's views of it are its own and are detached when its lease ends,
 * as those of shared memory are.
 *
 * @module
 */

import type { MemoryViews } from "../ffi/memory_views.ts";
import type { SurfaceLayout } from "../proto/schema/surface_layout.ts";

/**
 * A piece of memory. Its content moves from a closed view to the next one, without a
 * copy. A view that is opened beside an open one is a copy: JavaScript cannot show
 * the same memory twice and detach each view alone.
 */
export class MemoryBlock {
  /** Its size, in bytes. */
  readonly bytes: number;
  /** Where the pixels are, if it is a surface's. */
  readonly layout: SurfaceLayout | undefined;
  /** Identifies it. */
  readonly id: number;
  readonly #views = new Set<ArrayBuffer>();
  /** What the last view that was closed has shown, until a new one shows it. */
  #content: ArrayBuffer | undefined;

  /** Makes zeroed memory. */
  constructor(bytes: number, id: number, layout?: SurfaceLayout) {
    this.bytes = bytes;
    this.id = id;
    this.layout = layout;
  }

  /** Returns a new view. It shows what the last closed view has shown; if that was shown since, it copies the newest open view. */
  open(): ArrayBuffer {
    const newest = [...this.#views].findLast(({ detached }) => !detached);
    const view = this.#content ?? newest?.slice() ??
      new ArrayBuffer(this.bytes);
    this.#content = undefined;
    this.#views.add(view);
    return view;
  }

  /** Detaches a view. What it shows is the content from now on. */
  close(view: ArrayBuffer): void {
    this.#views.delete(view);
    this.#content = view.transfer();
  }

  /** What a shim returns as the address of this memory. */
  get address(): Deno.PointerObject {
    return this as unknown as Deno.PointerObject;
  }
}

function blockAt(address: Deno.PointerObject): MemoryBlock {
  return address as unknown as MemoryBlock;
}

/** The views of memory blocks. */
export const BLOCK_VIEWS: MemoryViews = {
  open: (address) => blockAt(address).open(),
  close: (address, view) => blockAt(address).close(view),
};

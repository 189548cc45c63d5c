/**
 * The views that JavaScript has of mapped memory.
 *
 * @module
 */

/** Makes and detaches views of the memory that a shim maps. */
export interface MemoryViews {
  /** Returns a new view of `bytes` bytes, from an address that a function of the shim has returned. */
  open(address: Deno.PointerObject, bytes: number): ArrayBuffer;
  /** Detaches a view of {@link open} that nobody has transferred. */
  close(address: Deno.PointerObject, view: ArrayBuffer): void;
}

/** The views of memory of this process. */
export const MAPPED_VIEWS: MemoryViews = {
  open: (address, bytes) =>
    Deno.UnsafePointerView.getArrayBuffer(address, bytes) as ArrayBuffer,
  // To length 0, for without a transfer the collector would count its memory.
  close: (_, view) => void view.transfer(0),
};

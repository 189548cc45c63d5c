/**
 * The stand-in for the shim of this isolate, in memory. All processors that are
 * tested at one time share it, so that a frame of one can be sent to the next.
 *
 * @module
 */

import type { ConnectionHandle } from "../ffi/handle.ts";
import { Native } from "../ffi/native.ts";
import { MemoryShim } from "./memory_shim.ts";

/** The open one, while there is a lease of it. */
let open: { readonly native: Native; readonly shim: MemoryShim } | undefined;

/** A lease of a `Native`, and two connected ends that belong to it. */
export interface MemoryLink {
  /** The lease. */
  readonly native: Native;
  /** The two ends. */
  readonly ends: readonly [ConnectionHandle, ConnectionHandle];
}

/** Returns a lease and two connected ends. */
export function openMemoryLink(): MemoryLink {
  if (open) open.native.lease();
  else {
    const shim = new MemoryShim(() => open = undefined);
    open = { native: new Native(shim), shim };
    open.native.standIn();
  }
  return { native: open.native, ends: open.shim.connect() };
}

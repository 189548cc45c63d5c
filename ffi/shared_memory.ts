/**
 * Memory that crosses to another process as a capability: surfaces and buffers.
 *
 * @module
 */

import type { Capability } from "../proto/wire/xpc_value.ts";

/**
 * Memory of this process or another. Disposing it detaches every view of it,
 * so that a forgotten one reads nothing rather than memory that is gone.
 */
export interface SharedMemory extends Disposable {
  /** The memory as a message carries it; still owned here. */
  borrow(): Capability;
  /** Begins CPU access; {@link unlock} ends it with the same argument. Nothing once disposed. */
  lock(readOnly: boolean): void;
  /** Ends CPU access. Nothing once disposed. */
  unlock(readOnly: boolean): void;
}

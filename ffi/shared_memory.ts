/**
 * Memory that is sent to another process as a capability: surfaces and buffers.
 *
 * @module
 */

import type { Capability } from "../proto/wire/xpc_value.ts";

/**
 * Shared memory, made by this process or another. Disposing it detaches all
 * views of it: a view that is still used has length 0 and reads nothing.
 */
export interface SharedMemory extends Disposable {
  /** Returns the capability, to be put into a message. It stays owned here. */
  borrow(): Capability;
  /** Begins CPU access. {@link unlock} with the same argument ends it. Does nothing once disposed. */
  lock(readOnly: boolean): void;
  /** Ends CPU access. Does nothing once disposed. */
  unlock(readOnly: boolean): void;
}

/**
 * Capabilities with an owner.
 *
 * @module
 */

import type { Capability } from "../proto/wire/xpc_value.ts";
import { BridgeError } from "../proto/errors.ts";
import type { Native } from "./native.ts";

/**
 * A capability with an owner: an endpoint, a descriptor or a region of shared
 * memory. {@link dup} makes further owners; the native object is released when
 * the last one is disposed.
 */
export class OwnedCapability implements Disposable {
  readonly #native: Native;
  readonly #capability: Capability;
  readonly #holders: { count: number };
  #disposed = false;

  /** Takes over a capability. */
  constructor(
    native: Native,
    capability: Capability,
    holders: { count: number } = { count: 1 },
  ) {
    this.#native = native;
    this.#capability = capability;
    this.#holders = holders;
  }

  /** Returns the capability, to be put into a message. It stays owned here. Throws `closed` once disposed. */
  borrow(): Capability {
    if (this.#disposed) {
      throw new BridgeError(
        "closed",
        `Cannot use this ${this.#capability.kind}: it was released`,
      );
    }
    return this.#capability;
  }

  /** Returns one more owner of the same capability. */
  dup(): OwnedCapability {
    const capability = this.borrow();
    this.#holders.count++;
    return new OwnedCapability(this.#native, capability, this.#holders);
  }

  /** Gives up ownership. Further calls do nothing. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (--this.#holders.count === 0) {
      this.#native.symbols.slb_release(this.#capability.handle);
    }
  }
}

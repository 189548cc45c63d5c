/**
 * Capabilities with an owner.
 *
 * @module
 */

import type { Capability } from "../proto/wire/xpc_value.ts";
import { BridgeError } from "../proto/errors.ts";
import type { Native } from "./native.ts";

/**
 * A capability that is held: an endpoint, a descriptor, a region. Held by as
 * many owners as were made with {@link dup}; the native object goes when the
 * last one lets go.
 */
export class OwnedCapability implements Disposable {
  readonly #native: Native;
  readonly #capability: Capability;
  readonly #holders: { count: number };
  #disposed = false;

  /** Takes a capability over. */
  constructor(
    native: Native,
    capability: Capability,
    holders: { count: number } = { count: 1 },
  ) {
    this.#native = native;
    this.#capability = capability;
    this.#holders = holders;
  }

  /** What a message carries; still owned here. Throws `closed` once disposed. */
  borrow(): Capability {
    if (this.#disposed) {
      throw new BridgeError(
        "closed",
        `Cannot use this ${this.#capability.kind}: it was released`,
      );
    }
    return this.#capability;
  }

  /** One more owner of the same capability. */
  dup(): OwnedCapability {
    const capability = this.borrow();
    this.#holders.count++;
    return new OwnedCapability(this.#native, capability, this.#holders);
  }

  /** Lets go. Again is harmless. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (--this.#holders.count === 0) {
      this.#native.symbols.slb_release(this.#capability.handle);
    }
  }
}

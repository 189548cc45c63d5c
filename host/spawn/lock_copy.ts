/**
 * A copy of the project's lock file for one client. Deno adds what is missing to
 * a lock file, and the user's must stay as it is.
 *
 * It is a file, because Deno replaces a lock file by a new one beside it: an
 * inherited file in memory would be refused as soon as something is missing. On
 * Linux it is in memory all the same, in /dev/shm, unless TMPDIR names a place.
 *
 * @module
 */

import { Native } from "../../ffi/native.ts";

const MAX_PATH_BYTES = 512;

/** A file in a private directory. Disposing it removes both. */
export class LockCopy implements Disposable {
  readonly #path: Uint8Array<ArrayBuffer>;

  private constructor(path: Uint8Array<ArrayBuffer>) {
    this.#path = path;
  }

  /** Returns `undefined` if no place for temporary files can be written to. The shim writes it: the host needs no permission to write. */
  static create(text: string): LockCopy | undefined {
    using native = Native.open();
    const bytes = new TextEncoder().encode(text);
    const path = new Uint8Array(MAX_PATH_BYTES);
    const { slb_scratch_create: create } = native.symbols;
    const length = create(bytes, bytes.length, path, path.length);
    return length === 0 ? undefined : new LockCopy(path.slice(0, length));
  }

  /** Its absolute path. */
  get path(): string {
    return new TextDecoder().decode(this.#path);
  }

  [Symbol.dispose](): void {
    using native = Native.open();
    // If it is gone already, or stays, the client is not affected.
    native.symbols.slb_scratch_remove(this.#path, this.#path.length);
  }
}

/**
 * Listening Unix stream sockets, for what speaks another protocol than XPC.
 * The shim makes them, or finds the one that a service manager has passed, and
 * accepts: so no permission but that for ffi is needed.
 *
 * @module
 */

import { Socket } from "node:net";
import { BridgeError } from "../proto/errors.ts";
import type { StreamHandle } from "./handle.ts";
import type { Native } from "./native.ts";
import type { Bell } from "./shim.ts";
import { STATUS } from "./status.ts";

const MAX_PATH_BYTES = 108;
const encoder = new TextEncoder();

/**
 * Where others connect to. Disposing it stops listening; a socket that the
 * shim has made is then gone, one that was passed stays, with who waits there.
 */
export class StreamListener implements Disposable {
  /** The path of the socket. */
  readonly path: string;
  /** Whether a service manager has bound it, who listens there on and on. */
  readonly isInherited: boolean;
  readonly #native: Native;
  readonly #handle: StreamHandle;
  readonly #bell: Bell;
  #waiting: PromiseWithResolvers<void> | undefined;
  #disposed = false;

  /**
   * Binds `path`, an absolute one, with mode 0600, in a directory of mode 0700
   * that is made if it is not there. A lock beside it holds it.
   *
   * Throws BridgeError: `name_in_use` when another process holds the path,
   * `bad_argument` when the path cannot be a socket's, `not_permitted` when
   * others could reach the directory or something else is in the socket's
   * place, `native_failure` when the system refuses.
   *
   * ```ts ignore
   * using listener = StreamListener.bind(native, "/run/user/1000/streamlib/broker.grpc");
   * const connection = await listener.accept();
   * ```
   */
  static bind(native: Native, path: string): StreamListener {
    const bytes = encoder.encode(path);
    const handle = native.symbols.slb_stream_listen(
      native.queue,
      bytes,
      bytes.length,
    );
    if (handle === 0) throw native.failure();
    return new StreamListener(native, handle as StreamHandle, false);
  }

  /**
   * The socket that a service manager has passed for `service`; `undefined`
   * where there is none. Throws BridgeError `native_failure`.
   */
  static inherited(
    native: Native,
    service: string,
  ): StreamListener | undefined {
    const bytes = encoder.encode(service);
    const handle = native.symbols.slb_stream_inherited(
      native.queue,
      bytes,
      bytes.length,
    );
    if (handle !== 0) {
      return new StreamListener(native, handle as StreamHandle, true);
    }
    if (native.lastErrorCode() === STATUS.absent) return undefined;
    throw native.failure();
  }

  private constructor(
    native: Native,
    handle: StreamHandle,
    isInherited: boolean,
  ) {
    this.#native = native;
    this.#handle = handle;
    this.isInherited = isInherited;
    this.path = pathOf(native, handle);
    this.#bell = native.bell(
      native.checked(native.symbols.slb_stream_take_bell(handle)),
      () => this.#waiting?.resolve(),
    );
    this.#bell.ref();
  }

  /**
   * The next connection, the caller's own. One call at a time.
   *
   * Rejects with BridgeError `native_failure` when there are too few
   * descriptors, say: who waits goes on waiting, so try again later. `closed`
   * once this is disposed.
   */
  async accept(): Promise<Socket> {
    for (;;) {
      if (this.#disposed) {
        throw new BridgeError(
          "closed",
          `Cannot accept on ${this.path}: closed`,
        );
      }
      const fd = this.#native.symbols.slb_stream_accept(this.#handle);
      if (fd >= 0) return new Socket({ fd, readable: true, writable: true });
      if (fd !== STATUS.again) throw this.#native.failure();
      this.#waiting = Promise.withResolvers();
      await this.#waiting.promise;
    }
  }

  /** Again does nothing. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#bell[Symbol.dispose]();
    this.#native.symbols.slb_release(this.#handle);
    this.#waiting?.resolve();
  }
}

function pathOf(native: Native, handle: StreamHandle): string {
  const text = new Uint8Array(MAX_PATH_BYTES);
  const length = native.symbols.slb_stream_path_copy(
    handle,
    text,
    text.length,
  );
  return new TextDecoder().decode(text.subarray(0, length));
}

/** Whether a service manager holds the name, has started this process to serve it, and starts the next one. */
export function isActivated(native: Native, service: string): boolean {
  const name = encoder.encode(service);
  return native.symbols.slb_service_is_activated(name, name.length) === 1;
}

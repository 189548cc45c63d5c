/**
 * Listening Unix stream sockets, for protocols other than XPC. The shim makes
 * the socket, or finds the one that a service manager has passed, and accepts
 * connections. So no permission is needed except ffi.
 *
 * @module
 */

import { Socket } from "node:net";
import { BridgeError } from "../proto/errors.ts";
import type { StreamHandle } from "./handle.ts";
import type { Native } from "./native.ts";
import type { Bell } from "./bell.ts";
import { STATUS } from "./status.ts";

const MAX_PATH_BYTES = 108;
const encoder = new TextEncoder();

/** An accepted connection. The receiver owns its socket. */
export interface AcceptedStream {
  readonly socket: Socket;
  /** The process that connected, from the kernel; `undefined` if it cannot be told. */
  readonly pid: number | undefined;
}

/**
 * A listening socket. Disposing it stops listening. A socket that the shim has
 * made is removed; one that a service manager has passed stays, together with
 * the connections that wait on it.
 */
export class StreamListener implements Disposable {
  /** The path of the socket. */
  readonly path: string;
  /** Whether a service manager has bound the socket, and goes on listening after this process. */
  readonly isInherited: boolean;
  readonly #native: Native;
  readonly #handle: StreamHandle;
  readonly #bell: Bell;
  #waiting: PromiseWithResolvers<void> | undefined;
  #disposed = false;

  /**
   * Binds `path`, an absolute path, with mode 0600. The directory is made with
   * mode 0700 if it does not exist. A lock file beside the socket is held.
   *
   * Throws BridgeError: `name_in_use` if another process holds the path,
   * `bad_argument` if it cannot be the path of a socket, `not_permitted` if other
   * users can reach the directory or if the path is not a socket,
   * `native_failure` if the system refuses.
   *
   * ```ts ignore
   * using listener = StreamListener.bind(native, "/run/user/1000/streamlib/broker.grpc");
   * const { socket, pid } = await listener.accept();
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
   * Returns the socket that a service manager has passed for `service`, or
   * undefined if there is none. Throws BridgeError `native_failure`.
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
   * Returns the next connection; the caller owns it. One call at a time.
   *
   * Rejects with BridgeError `native_failure` if accepting fails, for example for
   * lack of descriptors; the connections go on waiting, so try again later.
   * Rejects with `closed` once this is disposed.
   */
  async accept(): Promise<AcceptedStream> {
    for (;;) {
      if (this.#disposed) {
        throw new BridgeError(
          "closed",
          `Cannot accept on ${this.path}: closed`,
        );
      }
      const fd = this.#native.symbols.slb_stream_accept(this.#handle);
      if (fd >= 0) {
        const pid = this.#peerPid(fd);
        return {
          socket: new Socket({ fd, readable: true, writable: true }),
          pid,
        };
      }
      if (fd !== STATUS.again) throw this.#native.failure();
      this.#waiting = Promise.withResolvers();
      await this.#waiting.promise;
    }
  }

  #peerPid(fd: number): number | undefined {
    const values = new Int32Array(3);
    const bytes = new Uint8Array(values.buffer);
    return this.#native.symbols.slb_stream_peer(fd, bytes) === 0
      ? values[0]
      : undefined;
  }

  /** Stops listening. Further calls do nothing. */
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

/** Whether a service manager holds the name, and has started this process to serve it. It will start the next one too. */
export function isActivated(native: Native, service: string): boolean {
  const name = encoder.encode(service);
  return native.symbols.slb_service_is_activated(name, name.length) === 1;
}

/**
 * Connections and listeners.
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";
import { Capability, type XpcDictionary } from "../proto/wire/xpc_value.ts";
import type {
  AnyHandle,
  ConnectionHandle,
  ListenerHandle,
  ReplyHandle,
} from "./handle.ts";
import type { Message } from "./message.ts";
import type { ConnectionEnd, EventSink, Native } from "./native.ts";
import { OwnedCapability } from "./capability.ts";

const encoder = new TextEncoder();
const MAX_TEXT_BYTES = 512;

/** The process at the other end, by the kernel's word. */
export interface Peer {
  readonly pid: number;
  readonly euid: number;
  readonly egid: number;
}

/** What a connection tells its owner. */
export interface ConnectionEvents {
  /** A message came. The receiver owns it: dispose it when done. */
  message(message: Message): void;
  /** It ended: `interrupted` leaves it usable, `invalid` is the last thing heard. `reason` may be "". */
  ended(end: ConnectionEnd, reason: string): void;
  /** A message beyond the limits was dropped. Answered already where an answer was asked for. */
  malformed?(): void;
}

/** What a listener tells its owner. */
export interface ListenerEvents {
  /** Someone connected. The receiver owns the connection: activate it, or dispose it to refuse. */
  peer(connection: Connection): void;
  /** It ended, for instance because its name is taken: `reason` says so. */
  ended(end: ConnectionEnd, reason: string): void;
}

/** How long a request may take, and who may call it off. */
export interface RequestOptions {
  /** Milliseconds until it fails with `timed_out`. Every wait has one. */
  timeoutMs: number;
  /** Calls it off: it then fails with `aborted`. */
  signal?: AbortSignal;
}

/** What listeners and connections share: activate, cancel, reason, disposal. */
abstract class Party implements Disposable {
  protected readonly native: Native;
  readonly #handle: AnyHandle;
  #disposed = false;

  protected constructor(native: Native, handle: AnyHandle) {
    this.native = native;
    this.#handle = handle;
  }

  /** The native object's name. */
  get handle(): AnyHandle {
    return this.#handle;
  }

  /** Whether it was disposed. */
  get isDisposed(): boolean {
    return this.#disposed;
  }

  protected start(sink: EventSink): void {
    this.native.listen(this.#handle, sink);
    this.native.checked(
      this.native.symbols.slb_connection_activate(this.#handle),
    );
  }

  /** Why it became invalid, in words; "" where the system does not say. */
  reason(): string {
    const text = new Uint8Array(MAX_TEXT_BYTES);
    const length = this.native.symbols.slb_connection_reason_copy(
      this.#handle,
      text,
      text.length,
    );
    return new TextDecoder().decode(text.subarray(0, length));
  }

  /** Ends it: the owner hears `invalid` once, then nothing. Again is harmless. */
  cancel(): void {
    if (this.#disposed) return;
    this.native.checked(
      this.native.symbols.slb_connection_cancel(this.#handle),
    );
  }

  /** Ends it in silence and lets go of it. Again is harmless. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.native.unlisten(this.#handle);
    this.native.symbols.slb_release(this.#handle);
  }
}

/** One end of a two-way connection. Born inactive: nothing is heard before {@link activate}. */
export class Connection extends Party {
  readonly #requests = new Map<number, (end: ConnectionEnd) => void>();

  /** Takes over a handle. Use the static makers. */
  constructor(native: Native, handle: ConnectionHandle) {
    super(native, handle);
  }

  /** A connection to a named service. */
  static toService(native: Native, service: string): Connection {
    const name = encoder.encode(service);
    return new Connection(
      native,
      native.created(
        native.symbols.slb_connection_create_service(
          native.queue,
          name,
          name.length,
        ),
      ),
    );
  }

  /** A connection to the listener behind an endpoint, which stays the caller's. */
  static toEndpoint(native: Native, endpoint: Capability): Connection {
    return new Connection(
      native,
      native.created(
        native.symbols.slb_connection_create_endpoint(
          native.queue,
          endpoint.handle,
        ),
      ),
    );
  }

  /** Starts it; `events` hears of everything from now on. */
  activate(events: ConnectionEvents): void {
    this.start({
      message: (message) => events.message(message),
      ended: (end) => events.ended(end, this.reason()),
      peer: (handle) => this.native.symbols.slb_release(handle),
      malformed: (reply) => {
        this.#refuse(reply);
        events.malformed?.();
      },
    });
  }

  #refuse(reply: ReplyHandle | undefined): void {
    if (reply === undefined) return;
    const { symbols } = this.native;
    const packed = this.native.pack({
      success: false,
      error: "malformed message: over 1 MiB, 16 capabilities or 32 levels, " +
        "or it holds what cannot be sent",
    });
    if (symbols.slb_reply_send(reply, packed, packed.length) < 0) {
      symbols.slb_release(reply);
    }
  }

  /** Who is at the other end. Known once something came from there. */
  peer(): Peer {
    const values = new Int32Array(4);
    this.native.checked(
      this.native.symbols.slb_connection_peer(
        this.handle,
        new Uint8Array(values.buffer),
      ),
    );
    const [pid = 0, euid = 0, egid = 0] = values;
    return { pid, euid, egid };
  }

  /** Sends, without waiting: to an ended connection too, where it is lost. Throws `bad_argument` for what XPC cannot carry. */
  send(body: XpcDictionary): void {
    if (this.isDisposed) return;
    const packed = this.native.pack(body);
    this.native.checked(
      this.native.symbols.slb_connection_send(
        this.handle,
        packed,
        packed.length,
      ),
    );
  }

  /**
   * Sends and waits for the reply, which the caller owns.
   *
   * Rejects with `channel_lost` when the connection ends first, `timed_out`
   * after the deadline, `aborted` when the signal says so.
   */
  request(body: XpcDictionary, options: RequestOptions): Promise<Message> {
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const { signal, timeoutMs } = options;
    if (signal?.aborted) return Promise.reject(aborted(signal));
    const id = this.native.expectReply({
      message: (message) => {
        settle();
        resolve(message);
      },
      ended: (end) => lost(end),
    });
    const timer = this.native.clock.after(timeoutMs, () => {
      give(
        new BridgeError("timed_out", `No reply came within ${timeoutMs} ms`),
      );
    });
    const onAbort = (): void => give(aborted(signal!));
    const settle = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
      this.#requests.delete(id);
      this.native.forgetReply(id);
    };
    const give = (error: Error): void => {
      settle();
      reject(error);
    };
    const lost = (end: ConnectionEnd): void =>
      give(
        new BridgeError(
          "channel_lost",
          `The other side went away before it replied (${end})`,
        ),
      );
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#requests.set(id, lost);
    try {
      if (this.isDisposed) {
        throw new BridgeError("closed", "Cannot send: closed");
      }
      const packed = this.native.pack(body);
      this.native.checked(
        this.native.symbols.slb_connection_request(
          this.handle,
          packed,
          packed.length,
          id,
        ),
      );
    } catch (error) {
      give(error as Error);
    }
    return promise;
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]();
    for (const lost of [...this.#requests.values()]) lost("invalid");
  }
}

function aborted(signal: AbortSignal): BridgeError {
  return new BridgeError("aborted", "The wait for a reply was called off", {
    cause: signal.reason,
  });
}

/** Where others connect to: anonymous, by its endpoint, or a named service. */
export class Listener extends Party {
  /** Takes over a handle. Use the static makers. */
  constructor(native: Native, handle: ListenerHandle) {
    super(native, handle);
  }

  /** A listener that only the holders of its endpoint can reach. */
  static anonymous(native: Native): Listener {
    return new Listener(
      native,
      native.created(native.symbols.slb_listener_create(native.queue)),
    );
  }

  /** The listener of a named service. That the name is taken is heard as `ended`. */
  static ofService(native: Native, service: string): Listener {
    const name = encoder.encode(service);
    return new Listener(
      native,
      native.created(
        native.symbols.slb_listener_create_service(
          native.queue,
          name,
          name.length,
        ),
      ),
    );
  }

  /** Starts it; `events` hears of everyone who connects. */
  activate(events: ListenerEvents): void {
    this.start({
      message: (message) => message[Symbol.dispose](),
      ended: (end) => events.ended(end, this.reason()),
      peer: (handle) =>
        events.peer(new Connection(this.native, handle as ConnectionHandle)),
      malformed: (reply) => {
        if (reply !== undefined) this.native.symbols.slb_release(reply);
      },
    });
  }

  /** The capability to connect to this anonymous listener; the caller disposes it. */
  endpoint(): OwnedCapability {
    const handle = this.native.created(
      this.native.symbols.slb_endpoint_create(this.handle),
    );
    return new OwnedCapability(
      this.native,
      new Capability("endpoint", handle),
    );
  }
}

/**
 * Connections.
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";
import { KEY } from "../proto/wire/keys.ts";
import type { Capability, XpcDictionary } from "../proto/wire/xpc_value.ts";
import type { ConnectionEvents } from "./connection_events.ts";
import type { ConnectionHandle, ReplyHandle } from "./handle.ts";
import type { Message } from "./message.ts";
import type { ConnectionEnd, Native } from "./native.ts";
import { Party } from "./party.ts";
import { STATUS } from "./status.ts";

const encoder = new TextEncoder();

/** The peer's process, according to the kernel. */
export interface Peer {
  /** Its id; 0 if it cannot be seen from here, in another pid namespace. */
  readonly pid: number;
  /** Its effective user id. */
  readonly euid: number;
  /** Its effective group id. */
  readonly egid: number;
}

/** How full the queues of a connection are. */
export interface ConnectionQueues {
  /** Bytes of received messages that wait to be drained, decoded. */
  readonly inbox_bytes: number;
  /** The number of events that wait to be drained. */
  readonly inbox_events: number;
  /** Bytes that were sent and not taken yet; up to 256 KiB too high. */
  readonly outbox_bytes: number;
  /** Whether it is suspended, because too much waits to be drained. */
  readonly suspended: boolean;
}

/** The limits of a request. */
export interface RequestOptions {
  /** The time until it fails with `timed_out`, in milliseconds. */
  timeoutMs: number;
  /** Cancels it: it then fails with `aborted`. */
  signal?: AbortSignal;
}

/** One end of a two-way connection. It is inactive, without events, until {@link activate}. */
export class Connection extends Party {
  readonly #requests = new Map<number, (end: ConnectionEnd) => void>();

  /**
   * Takes a handle over. Use the static methods instead.
   *
   * @internal
   */
  constructor(native: Native, handle: ConnectionHandle) {
    super(native, handle);
  }

  /** Makes a connection to a named service. */
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

  /** Makes a connection to the listener of an endpoint. The caller still owns the endpoint. */
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

  /**
   * Starts it: its events go to `events`.
   *
   * @param maxMessageBytes the longest message that it takes, packed; a longer one
   *   is dropped, see {@link ConnectionEvents.malformed}. Default: what XPC may send.
   */
  activate(events: ConnectionEvents, maxMessageBytes?: number): void {
    if (maxMessageBytes !== undefined) {
      this.native.checked(
        this.native.symbols.slb_connection_limit(this.handle, maxMessageBytes),
      );
    }
    this.start({
      message: (message) => events.message(message),
      ended: (end, code, told) => events.ended(end, this.reason(), code, told),
      peer: (handle) => this.native.symbols.slb_release(handle),
      malformed: (reply, problem) => {
        this.#refuse(reply, problem);
        events.malformed?.(problem);
      },
    });
  }

  #refuse(reply: ReplyHandle | undefined, problem: string): void {
    if (reply === undefined) return;
    const { symbols } = this.native;
    const packed = this.native.pack({
      [KEY.success]: false,
      [KEY.error]: `The message was refused: ${problem}`,
      [KEY.code]: "malformed_message",
    });
    const sent = symbols.slb_reply_send(reply, packed, packed.length);
    if (sent < 0 && sent !== STATUS.outbox) symbols.slb_release(reply);
  }

  /** The peer. It is known when the first message from it has arrived. */
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

  /**
   * Sends a message, without waiting. On a connection that has ended it is lost.
   * If the peer does not read, and 16 MiB wait for it, this ends the connection:
   * `ended` is called with `outbox_full`. Throws `bad_argument` for a value that
   * XPC cannot carry.
   */
  send(body: XpcDictionary): void {
    if (!this.isDisposed) this.sendPacked(this.native.pack(body));
  }

  /** Sends a message that {@link Native.pack} has packed, as {@link send} does. */
  sendPacked(packed: Uint8Array<ArrayBuffer>): void {
    if (this.isDisposed) return;
    const sent = this.native.symbols.slb_connection_send(
      this.handle,
      packed,
      packed.length,
    );
    if (sent !== STATUS.outbox) this.native.checked(sent);
  }

  /** How full its queues are. */
  queues(): ConnectionQueues {
    const values = new BigUint64Array(4);
    this.native.checked(
      this.native.symbols.slb_connection_queues(
        this.handle,
        new Uint8Array(values.buffer),
      ),
    );
    const [inbox, events, outbox, suspended] = values;
    return {
      inbox_bytes: Number(inbox),
      inbox_events: Number(events),
      outbox_bytes: Number(outbox),
      suspended: suspended !== 0n,
    };
  }

  /**
   * Sends a message and waits for the reply, which the caller owns.
   *
   * Rejects with `channel_lost` if the connection ends first, `timed_out` after
   * the time limit, `aborted` if the signal is aborted, `malformed_message` if
   * the reply exceeds a limit, `outbox_full` as {@link send} says.
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
      malformed: (problem) =>
        give(
          new BridgeError(
            "malformed_message",
            `The reply was refused: ${problem}`,
          ),
        ),
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

  /** Ends it without an event, and releases it. Requests without a reply fail. */
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

/**
 * Listeners.
 *
 * @module
 */

import type { ErrorCode } from "../proto/errors.ts";
import { Capability } from "../proto/wire/xpc_value.ts";
import { OwnedCapability } from "./capability.ts";
import { Connection } from "./connection.ts";
import type { ConnectionHandle, ListenerHandle } from "./handle.ts";
import type { ConnectionEnd, Native } from "./native.ts";
import { Party } from "./party.ts";

const encoder = new TextEncoder();

/** The events of a listener. */
export interface ListenerEvents {
  /** A peer has connected. The receiver owns the connection: it activates it, or disposes it to refuse the peer. */
  peer(connection: Connection): void;
  /**
   * The listener has ended. `reason` is text for people and may be "". `code` is
   * `name_in_use` if another process serves the name, else `native_failure`;
   * on macOS it is always `native_failure`.
   */
  ended(end: ConnectionEnd, reason: string, code: ErrorCode): void;
}

/** Accepts connections: anonymously, through its endpoint, or as a named service. */
export class Listener extends Party {
  /**
   * Takes a handle over. Use the static methods instead.
   *
   * @internal
   */
  constructor(native: Native, handle: ListenerHandle) {
    super(native, handle);
  }

  /** Makes a listener that only holders of its endpoint can reach. */
  static anonymous(native: Native): Listener {
    return new Listener(
      native,
      native.created(native.symbols.slb_listener_create(native.queue)),
    );
  }

  /** Makes the listener of a named service. If another process serves the name, `ended` is called after the activation. */
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

  /** Starts it: its events go to `events`. */
  activate(events: ListenerEvents): void {
    this.start({
      message: (message) => message[Symbol.dispose](),
      ended: (end, code) =>
        events.ended(
          end,
          this.reason(),
          code === "channel_lost" ? "native_failure" : code, // it has no other side
        ),
      peer: (handle) =>
        events.peer(new Connection(this.native, handle as ConnectionHandle)),
      malformed: (reply) => {
        if (reply !== undefined) this.native.symbols.slb_release(reply);
      },
    });
  }

  /** Makes the capability to connect to this anonymous listener. The caller must dispose it. */
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

/**
 * The same events, with peers that hold a lease of `native` each: they are usable
 * until they are disposed, whoever disposes the lease of the listener.
 */
export function withPeers(
  native: Native,
  events: ListenerEvents,
): ListenerEvents {
  return {
    peer: (connection) => {
      connection.disposeWith(native.lease());
      events.peer(connection);
    },
    ended: (end, reason, code) => events.ended(end, reason, code),
  };
}

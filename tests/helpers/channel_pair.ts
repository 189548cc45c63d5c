/**
 * A sending and a receiving channel over a real connection, both in this
 * process: every message goes through the kernel.
 */

import { Channel } from "../../channel/channel.ts";
import type { Connection } from "../../ffi/connection.ts";
import { Native } from "../../ffi/native.ts";
import type { NoPorts } from "../../proto/schema/connection_schema.ts";
import type { Feature } from "../../proto/wire/features.ts";
import type { Port, PortMap, PortsOf } from "../../proto/schema/port.ts";
import { ChannelLink } from "./channel_link.ts";
import { TEST_FEATURES } from "./lane/lane_handshake.ts";
import { nativeLeavesNothing } from "./native_leaks.ts";
import { soon } from "./soon.ts";

/** Two channels on one connection. The sender's is the host's side. */
export class ChannelPair<P extends PortMap> implements Disposable {
  readonly native: Native;
  /** What both sides use from the next {@link connect} on. */
  features: ReadonlySet<Feature> = TEST_FEATURES;
  /** The side that sends frames. */
  sender: Channel<P, NoPorts>;
  /** The side that receives them. */
  receiver: Channel<NoPorts, P>;
  readonly #ports: PortsOf<P>;
  readonly #link: ChannelLink;

  constructor(native: Native, ports: PortsOf<P>) {
    this.native = native;
    this.#ports = ports;
    this.#link = new ChannelLink(native);
    this.sender = this.#newSender();
    this.receiver = this.#newReceiver();
  }

  #newSender(): Channel<P, NoPorts> {
    return new Channel(this.native, this.#ports, {}, this.#link.events);
  }

  #newReceiver(): Channel<NoPorts, P> {
    return new Channel(this.native, {}, this.#ports, this.#link.events);
  }

  /** What both sides have complained about. */
  get problems(): string[] {
    return this.#link.problems;
  }

  /** The sender's end of the connection. A test sends through it what a hostile peer could send. */
  get raw(): Connection {
    return this.#link.ends.host;
  }

  /** The receiver's end of the connection. */
  get rawBack(): Connection {
    return this.#link.ends.client;
  }

  /** Connects and opens the two channels. */
  async connect(): Promise<void> {
    const { sender, receiver } = this;
    await this.#link.connect(sender, receiver, this.features);
    const terms = new Map(Object.entries<Port>(this.#ports));
    sender.agree(terms, new Map());
    receiver.agree(new Map(), terms);
    sender.open();
    receiver.open();
  }

  /** Resolves when both sides have handled everything that was sent before. */
  async settle(): Promise<void> {
    await this.#link.settle();
  }

  /** Ends one side and the connection. The other side is detached, and waits for a new one. */
  kill(side: "sender" | "receiver"): void {
    this.#link.disconnect();
    if (side === "sender") {
      this.sender[Symbol.dispose]();
      this.sender = this.#newSender();
      this.receiver.detach();
    } else {
      this.receiver[Symbol.dispose]();
      this.receiver = this.#newReceiver();
      this.sender.detach();
    }
  }

  [Symbol.dispose](): void {
    this.sender[Symbol.dispose]();
    this.receiver[Symbol.dispose]();
    this.#link[Symbol.dispose]();
  }
}

/** Registers a test of a pair of channels. It fails if native objects are left. */
export function channelPairTest<P extends PortMap>(
  name: string,
  ports: PortsOf<P>,
  body: (pair: ChannelPair<P>) => Promise<void>,
): void {
  Deno.test(name, () =>
    nativeLeavesNothing(async () => {
      using native = Native.open();
      using pair = new ChannelPair<P>(native, ports);
      await soon(pair.connect(), "the connection");
      await soon(body(pair), name);
    }));
}

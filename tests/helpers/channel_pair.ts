/**
 * A sending and a receiving channel over a real connection, both in this
 * process: every message goes through the kernel.
 */

import { Channel } from "../../channel/channel.ts";
import { Connection } from "../../ffi/connection.ts";
import { Listener } from "../../ffi/listener.ts";
import { Native } from "../../ffi/native.ts";
import type { NoPorts } from "../../proto/schema/connection_schema.ts";
import type { Feature } from "../../proto/wire/features.ts";
import type { Port, PortMap, PortsOf } from "../../proto/schema/port.ts";
import {
  LaneHandshake,
  type LaneSide,
  TEST_FEATURES,
} from "./lane_handshake.ts";
import { nativeLeavesNothing } from "./native_leaks.ts";
import { PATIENCE_MS, soon } from "./soon.ts";

const TURN = { msg_type: "control", ctrl_type: "start" };
const CALL = { timeoutMs: PATIENCE_MS };

/** Two channels on one connection. */
export class ChannelPair<P extends PortMap> implements Disposable {
  readonly native: Native;
  readonly problems: string[] = [];
  /** What both sides use from the next {@link connect} on. */
  features: ReadonlySet<Feature> = TEST_FEATURES;
  /** The side that sends frames. */
  sender: Channel<P, NoPorts>;
  /** The side that receives them. */
  receiver: Channel<NoPorts, P>;
  /** The sender's end of the connection. A test sends through it what a hostile peer could send. */
  raw!: Connection;
  /** The receiver's end of the connection. */
  rawBack!: Connection;
  readonly #ports: PortsOf<P>;
  readonly #listener: Listener;
  #accepted = Promise.withResolvers<Connection>();
  #lane: LaneHandshake | undefined;

  constructor(native: Native, ports: PortsOf<P>) {
    this.native = native;
    this.#ports = ports;
    this.#listener = Listener.anonymous(native);
    this.#listener.activate({
      peer: (connection) => this.#accepted.resolve(connection),
      ended: () => {},
    });
    this.sender = this.#newSender();
    this.receiver = this.#newReceiver();
  }

  #newSender(): Channel<P, NoPorts> {
    return new Channel(this.native, this.#ports, {}, this.#events);
  }

  #newReceiver(): Channel<NoPorts, P> {
    return new Channel(this.native, {}, this.#ports, this.#events);
  }

  get #events(): ConstructorParameters<typeof Channel>[3] {
    return {
      control: (type, message) => this.#lane?.control(type, message),
      arrived: () => {},
      portEnded: () => {},
      problem: (text) => void this.problems.push(text),
      failed: ({ message }) => void this.problems.push(message),
    };
  }

  /** Connects and opens the two channels. */
  async connect(): Promise<void> {
    const { sender, receiver } = this;
    this.#accepted = Promise.withResolvers();
    using endpoint = this.#listener.endpoint();
    const raw = Connection.toEndpoint(this.native, endpoint.borrow());
    this.raw = raw;
    raw.activate({ message: (m) => sender.receive(m), ended: () => {} });
    raw.send({ msg_type: "control", ctrl_type: "hello" });
    this.rawBack = await this.#accepted.promise;
    this.rawBack.activate({
      message: (m) => receiver.receive(m),
      ended: () => {},
    });
    sender.attach(raw);
    receiver.attach(this.rawBack);
    sender.use(this.features);
    receiver.use(this.features);
    this.#lane = new LaneHandshake(
      { channel: sender, end: raw } as unknown as LaneSide,
      { channel: receiver, end: this.rawBack } as unknown as LaneSide,
    );
    await this.#lane.begin();
    const terms = new Map(Object.entries<Port>(this.#ports));
    sender.agree(terms, new Map());
    receiver.agree(new Map(), terms);
    sender.open();
    receiver.open();
  }

  /** Resolves when both sides have handled everything that was sent before. */
  async settle(): Promise<void> {
    using _ = await this.raw.request(TURN, CALL);
    using __ = await this.rawBack.request(TURN, CALL);
  }

  /** Ends one side and the connection. The other side is detached, and waits for a new one. */
  kill(side: "sender" | "receiver"): void {
    this.raw[Symbol.dispose]();
    this.rawBack[Symbol.dispose]();
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
    this.raw?.[Symbol.dispose]();
    this.rawBack?.[Symbol.dispose]();
    this.#listener[Symbol.dispose]();
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

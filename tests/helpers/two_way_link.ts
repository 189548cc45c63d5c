/**
 * The channels of a host and its client over a real connection, both in this
 * process, with the same ports in both directions.
 */

import { Channel } from "../../channel/channel.ts";
import { Connection } from "../../ffi/connection.ts";
import { Listener } from "../../ffi/listener.ts";
import type { Native } from "../../ffi/native.ts";
import type { Port, PortMap, PortsOf } from "../../proto/schema/port.ts";
import type { Feature } from "../../proto/wire/features.ts";
import {
  LaneHandshake,
  type LaneSide,
  TEST_FEATURES,
} from "./lane_handshake.ts";
import { PATIENCE_MS } from "./soon.ts";

const TURN = { msg_type: "control", ctrl_type: "start" };
const CALL = { timeoutMs: PATIENCE_MS };

/** A host's channel and a client's. */
export class TwoWayLink<P extends PortMap> implements Disposable {
  readonly problems: string[] = [];
  readonly host: Channel<P, P>;
  client: Channel<P, P>;
  /** The host's end of the connection, and the client's. A test sends through it what a hostile peer could send. */
  ends!: { readonly host: Connection; readonly client: Connection };
  readonly #native: Native;
  readonly #ports: PortsOf<P>;
  readonly #listener: Listener;
  #accepted = Promise.withResolvers<Connection>();
  #lane: LaneHandshake | undefined;

  constructor(native: Native, ports: PortsOf<P>) {
    this.#native = native;
    this.#ports = ports;
    this.#listener = Listener.anonymous(native);
    this.#listener.activate({
      peer: (connection) => this.#accepted.resolve(connection),
      ended: () => {},
    });
    this.host = this.#newChannel();
    this.client = this.#newChannel();
  }

  #newChannel(): Channel<P, P> {
    return new Channel<P, P>(this.#native, this.#ports, this.#ports, {
      control: (type, message) => this.#lane?.control(type, message),
      arrived: () => {},
      portEnded: () => {},
      problem: (text) => void this.problems.push(text),
      failed: ({ message }) => void this.problems.push(message),
    });
  }

  /** Connects and opens both channels. */
  async connect(features: Iterable<Feature> = TEST_FEATURES): Promise<void> {
    const { host, client } = this;
    this.#accepted = Promise.withResolvers();
    using endpoint = this.#listener.endpoint();
    const toHost = Connection.toEndpoint(this.#native, endpoint.borrow());
    toHost.activate({ message: (m) => client.receive(m), ended: () => {} });
    toHost.send({ msg_type: "control", ctrl_type: "hello" });
    const toClient = await this.#accepted.promise;
    toClient.activate({ message: (m) => host.receive(m), ended: () => {} });
    this.ends = { host: toClient, client: toHost };
    const sides = [
      { channel: host, end: toClient },
      { channel: client, end: toHost },
    ];
    for (const { channel, end } of sides) {
      channel.attach(end);
      channel.use(new Set(features));
    }
    const [ofHost, ofClient] = sides as unknown as [LaneSide, LaneSide];
    this.#lane = new LaneHandshake(ofHost, ofClient);
    await this.#lane.begin();
    const terms = new Map(Object.entries<Port>(this.#ports));
    for (const { channel } of sides) {
      channel.agree(terms, terms);
      channel.open();
    }
  }

  /** Resolves when both sides have handled everything that was sent before. */
  async settle(): Promise<void> {
    using _ = await this.ends.host.request(TURN, CALL);
    using __ = await this.ends.client.request(TURN, CALL);
  }

  /** The client's process has died. Another one is there, and not connected. */
  killClient(): void {
    this.client[Symbol.dispose]();
    this.#disconnect();
    this.host.detach("died");
    this.client = this.#newChannel();
  }

  #disconnect(): void {
    this.ends?.host[Symbol.dispose]();
    this.ends?.client[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.host[Symbol.dispose]();
    this.client[Symbol.dispose]();
    this.#disconnect();
    this.#listener[Symbol.dispose]();
  }
}

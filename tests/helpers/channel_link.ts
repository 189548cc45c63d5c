/**
 * A real connection between two channels of this process: every message goes
 * through the kernel.
 */

import type { Channel } from "../../channel/channel.ts";
import { Connection } from "../../ffi/connection.ts";
import { Listener } from "../../ffi/listener.ts";
import type { Native } from "../../ffi/native.ts";
import type { PortMap } from "../../proto/schema/port.ts";
import type { Feature } from "../../proto/wire/features.ts";
import { LaneHandshake, type LaneSide } from "./lane/lane_handshake.ts";
import { PATIENCE_MS, soon } from "./soon.ts";

const TURN = { msg_type: "control", ctrl_type: "start" };
const CALL = { timeoutMs: PATIENCE_MS };

/** Connects the channel of a host with that of its client, also several times. */
export class ChannelLink implements Disposable {
  /** What both channels have complained about. */
  readonly problems: string[] = [];
  /** The events of both channels. */
  readonly events: ConstructorParameters<typeof Channel>[3] = {
    control: (type, message) => this.#lane?.control(type, message),
    arrived: () => {},
    portEnded: () => {},
    problem: (text) => void this.problems.push(text),
    failed: ({ message }) => void this.problems.push(message),
  };
  /** The host's end of the connection, and the client's. */
  ends!: { readonly host: Connection; readonly client: Connection };
  readonly #native: Native;
  readonly #listener: Listener;
  #accepted = Promise.withResolvers<Connection>();
  #lane: LaneHandshake | undefined;

  constructor(native: Native) {
    this.#native = native;
    this.#listener = Listener.anonymous(native);
    this.#listener.activate({
      peer: (connection) => this.#accepted.resolve(connection),
      ended: () => {},
    });
  }

  /** Connects two channels. They have not agreed on their ports, and are not open. */
  async connect<A extends PortMap, B extends PortMap>(
    host: Channel<A, B>,
    client: Channel<B, A>,
    features: ReadonlySet<Feature>,
  ): Promise<void> {
    this.#accepted = Promise.withResolvers();
    using endpoint = this.#listener.endpoint();
    const toHost = Connection.toEndpoint(this.#native, endpoint.borrow());
    toHost.activate({ message: (m) => client.receive(m), ended: () => {} });
    toHost.send({ msg_type: "control", ctrl_type: "hello" });
    const toClient = await soon(this.#accepted.promise, "the connection");
    toClient.activate({ message: (m) => host.receive(m), ended: () => {} });
    this.ends = { host: toClient, client: toHost };
    host.attach(toClient);
    client.attach(toHost);
    host.use(features);
    client.use(features);
    this.#lane = new LaneHandshake(
      { channel: host, end: toClient } as unknown as LaneSide,
      { channel: client, end: toHost } as unknown as LaneSide,
    );
    await soon(this.#lane.begin(), "the handshake of the lane");
  }

  /** Resolves when both sides have handled everything that was sent before. */
  async settle(): Promise<void> {
    using _ = await this.ends.host.request(TURN, CALL);
    using __ = await this.ends.client.request(TURN, CALL);
  }

  /** Ends the connection. */
  disconnect(): void {
    this.ends?.host[Symbol.dispose]();
    this.ends?.client[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.disconnect();
    this.#listener[Symbol.dispose]();
  }
}

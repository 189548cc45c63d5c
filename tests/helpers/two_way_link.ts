/**
 * The channels of a host and its client over a real connection, both in this
 * process, with the same ports in both directions.
 */

import { Channel } from "../../channel/channel.ts";
import type { Native } from "../../ffi/native.ts";
import type { Port, PortMap, PortsOf } from "../../proto/schema/port.ts";
import type { Feature } from "../../proto/wire/features.ts";
import { ChannelLink } from "./channel_link.ts";
import { TEST_FEATURES } from "./lane/lane_handshake.ts";

/** A host's channel and a client's. */
export class TwoWayLink<P extends PortMap> implements Disposable {
  readonly host: Channel<P, P>;
  client: Channel<P, P>;
  readonly #native: Native;
  readonly #ports: PortsOf<P>;
  readonly #link: ChannelLink;

  constructor(native: Native, ports: PortsOf<P>) {
    this.#native = native;
    this.#ports = ports;
    this.#link = new ChannelLink(native);
    this.host = this.#newChannel();
    this.client = this.#newChannel();
  }

  #newChannel(): Channel<P, P> {
    const { events } = this.#link;
    return new Channel<P, P>(this.#native, this.#ports, this.#ports, events);
  }

  /** What both sides have complained about. */
  get problems(): string[] {
    return this.#link.problems;
  }

  /** The host's end of the connection, and the client's. A test sends through it what a hostile peer could send. */
  get ends(): ChannelLink["ends"] {
    return this.#link.ends;
  }

  /** Connects and opens both channels. */
  async connect(
    features: Iterable<Feature> = TEST_FEATURES,
  ): Promise<void> {
    const { host, client } = this;
    await this.#link.connect(host, client, new Set(features));
    const terms = new Map(Object.entries<Port>(this.#ports));
    for (const channel of [host, client]) {
      channel.agree(terms, terms);
      channel.open();
    }
  }

  /** Resolves when both sides have handled everything that was sent before. */
  async settle(): Promise<void> {
    await this.#link.settle();
  }

  /** The client's process has died. Another one is there, and not connected. */
  killClient(): void {
    this.client[Symbol.dispose]();
    this.#link.disconnect();
    this.host.detach("died");
    this.client = this.#newChannel();
  }

  [Symbol.dispose](): void {
    this.host[Symbol.dispose]();
    this.client[Symbol.dispose]();
    this.#link[Symbol.dispose]();
  }
}

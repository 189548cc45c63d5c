/**
 * What a host and a client do about their lane in the handshake, for two channels of
 * one process.
 */

import type { Channel } from "../../../channel/channel.ts";
import {
  channelFeatures,
  type TransportPath,
} from "../../../channel/transport.ts";
import type { Connection } from "../../../ffi/connection.ts";
import type { Message } from "../../../ffi/message.ts";
import {
  pingMessage,
  pongMessage,
} from "../../../proto/states/handshake_messages.ts";
import type { PortMap } from "../../../proto/schema/port.ts";
import type { Feature } from "../../../proto/wire/features.ts";

/** What carries frames in the tests of channels: a lane, unless a run asks for messages. */
export const TEST_PATH: TransportPath =
  Deno.permissions.querySync({ name: "env", variable: "STREAMLIB_TEST_PATH" })
        .state === "granted" &&
    Deno.env.get("STREAMLIB_TEST_PATH") === "dictionary"
    ? "dictionary"
    : "lane";

/** The features of a side in the tests of channels. */
export const TEST_FEATURES: ReadonlySet<Feature> = new Set(
  channelFeatures(TEST_PATH),
);

/** A channel and its end of the connection. */
export interface LaneSide {
  readonly channel: Channel<PortMap, PortMap>;
  readonly end: Connection;
}

/** Offers a lane of the first side to the second one, as in a handshake. */
export class LaneHandshake {
  readonly #done = Promise.withResolvers<void>();
  readonly #host: LaneSide;
  readonly #client: LaneSide;

  constructor(host: LaneSide, client: LaneSide) {
    this.#host = host;
    this.#client = client;
  }

  /** Begins. Resolves when both sides know whether they use a lane. */
  begin(): Promise<void> {
    const { channel, end } = this.#host;
    channel.offerLane(
      false,
      (lane) => end.send(pingMessage(channel.features, lane)),
    );
    return this.#done.promise;
  }

  /** Handles a control message of either side. */
  control(type: string, { body }: Message): void {
    if (type === "ping") {
      const { channel, end } = this.#client;
      channel.openLane(body, (lane) => end.send(pongMessage(lane)));
    } else if (type === "pong") {
      this.#host.channel.acceptLane(body);
      this.#done.resolve();
    }
  }
}

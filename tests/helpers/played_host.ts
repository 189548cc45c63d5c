/**
 * A host that a test plays, message by message, with the broker of a service: for a
 * client that is real.
 */

import { BrokerLink } from "../../ffi/broker_link.ts";
import type { Connection } from "../../ffi/connection.ts";
import type { Message } from "../../ffi/message.ts";
import type { Native } from "../../ffi/native.ts";
import { Door } from "../../host/door.ts";
import { HostSession } from "../../host/host_session.ts";
import type { ConnectionSchema } from "../../proto/schema/connection_schema.ts";
import { pingMessage } from "../../proto/states/handshake_messages.ts";
import { FEATURES } from "../../proto/wire/features.ts";
import { CHANNEL_KEY, CTRL_TYPE } from "../../proto/wire/keys.ts";
import {
  getCapability,
  type XpcDictionary,
} from "../../proto/wire/xpc_value.ts";
import { HeardMessages } from "./heard_messages.ts";
import type { PlayedLane } from "./lane/played_lane.ts";
import { soon } from "./soon.ts";

/** The host's end of a channel, and what it has received. */
export class PlayedHost implements AsyncDisposable {
  /** Resolves when the client's connection has ended. */
  readonly left = Promise.withResolvers<void>();
  readonly #session: HostSession;
  readonly #door: Door;
  readonly #heard = new HeardMessages();
  readonly #hello = Promise.withResolvers<number>();
  #connection: Connection | undefined;
  #lane: PlayedLane | undefined;

  private constructor(
    native: Native,
    service: string,
    schema: ConnectionSchema,
  ) {
    const link = new BrokerLink(native, service);
    this.#session = new HostSession(native, {
      schema,
      runtimeId: "test",
      processorId: "played",
      processorType: "reactive",
      timeoutSecs: 300,
      findBroker: () =>
        Promise.resolve({
          service,
          link,
          control: link,
          grpcAddress: undefined,
          bootstrap: undefined,
          [Symbol.asyncDispose]: () => {
            link[Symbol.dispose]();
            return Promise.resolve();
          },
        }),
    }, () => {});
    this.#door = new Door(native, {
      credentials: () => this.#session.credentials,
      hello: (peer, problem) =>
        problem
          ? this.#hello.reject(new Error(problem.reason))
          : this.#hello.resolve(peer),
      message: (message) => this.#hear(message),
      malformed: () => {},
      left: () => this.left.resolve(),
      closed: () => {},
    });
  }

  /** Allocates the connection at the broker, and stores its endpoint. */
  static async start(
    native: Native,
    service: string,
    schema: ConnectionSchema,
  ): Promise<PlayedHost> {
    const host = new PlayedHost(native, service, schema);
    await host.#session.allocate();
    using endpoint = host.#door.endpoint();
    const { signal } = new AbortController();
    await host.#session.storeEndpoint(endpoint, signal);
    return host;
  }

  /** What its client must know. */
  get credentials(): {
    readonly connection_id: string;
    readonly token: string;
  } {
    return this.#session.credentials;
  }

  #hear(message: Message): void {
    using _ = message;
    const bell = getCapability(message.body, CHANNEL_KEY.bell, "fd");
    if (bell && this.#lane) {
      this.#lane.connect(message.take(CHANNEL_KEY.bell, "fd")!);
    }
    this.#heard.add(message.body);
  }

  /** Waits for the client, and lets it in. */
  async letIn(): Promise<void> {
    const peer = await soon(this.#hello.promise, "the hello");
    this.#connection = this.#door.letIn(peer).connection;
  }

  /** Its end of the channel, once the client is let in. */
  get connection(): Connection {
    return this.#connection!;
  }

  send(message: XpcDictionary): void {
    this.#door.tell(message);
  }

  /**
   * Sends a ping, and returns the pong.
   *
   * @param says what the ping says of a lane
   * @param lane gets the bell that is in the pong
   */
  async ping(
    says: XpcDictionary = {},
    lane?: PlayedLane,
  ): Promise<XpcDictionary> {
    this.#lane = lane;
    this.send(pingMessage(FEATURES, says));
    return await this.control(CTRL_TYPE.pong);
  }

  /** Returns the next message of this control type, and drops those before it. */
  control(type: string): Promise<XpcDictionary> {
    return this.#heard.next(CHANNEL_KEY.ctrlType, type);
  }

  /** Reports to the broker that it has got the pong. */
  async reportAcked(): Promise<void> {
    await this.#session.reportAcked();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#door[Symbol.dispose]();
    await this.#session[Symbol.asyncDispose]();
  }
}

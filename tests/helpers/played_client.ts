/**
 * A real host and a real broker, with a client that the test plays, message by
 * message. Needs ffi only: the client's "process" is this one.
 */

import { BrokerLink } from "../../ffi/broker_link.ts";
import { OwnedCapability } from "../../ffi/capability.ts";
import { Connection } from "../../ffi/connection.ts";
import type { Message } from "../../ffi/message.ts";
import { Native } from "../../ffi/native.ts";
import type { Bootstrap } from "../../ffi/bootstrap.ts";
import { findEmbedded } from "./embedded_search.ts";
import type { ClientExit, StartClient } from "../../host/spawn/spawn.ts";
import { Supervisor } from "../../host/supervisor.ts";
import { connectionSchemaToJson } from "../../proto/schema/json/connection_schema_json.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import {
  helloMessage,
  pongMessage,
} from "../../proto/states/handshake_messages.ts";
import {
  CHANNEL_KEY,
  CTRL_TYPE,
  KEY,
  MESSAGE_TYPE,
  MSG_TYPE,
} from "../../proto/wire/keys.ts";
import { DEFAULT_TIMEOUT_SECS } from "../../proto/limits.ts";
import { schemaHash } from "../../proto/schema/json/schema_hash.ts";
import {
  getCapability,
  uint64,
  type XpcDictionary,
} from "../../proto/wire/xpc_value.ts";
import { FEATURES, featuresFields } from "../../proto/wire/features.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import { HeardMessages } from "./heard_messages.ts";
import { nativeLeavesNothing } from "./native_leaks.ts";
import { type Needs, permittedTest } from "./permitted.ts";
import { PlayedLane } from "./lane/played_lane.ts";
import { PATIENCE_MS, soon } from "./soon.ts";

const schema = connectionSchema({
  inputs: { video: EVERY_FRAME },
  outputs: { video: EVERY_FRAME },
});
const HASH = schemaHash(connectionSchemaToJson(schema));

/** What a client knows when it starts. */
type ClientEnv = Readonly<Record<string, string>>;

/** The client's end of the channel, and what it has received. */
export class PlayedClient implements Disposable {
  readonly env: ClientEnv;
  readonly #stack = new DisposableStack();
  readonly #native: Native;
  readonly #connection: Connection;
  readonly #heard = new HeardMessages();
  readonly ended = Promise.withResolvers<void>();
  /** The lane that its host has offered; undefined before a ping that offers one. */
  lane: PlayedLane | undefined;

  private constructor(native: Native, env: ClientEnv, connection: Connection) {
    this.env = env;
    this.#native = native;
    this.#connection = this.#stack.use(connection);
    this.#connection.activate({
      message: (message) => {
        using _ = message;
        this.#openLane(message);
        this.#heard.add(message.body);
      },
      ended: () => this.ended.resolve(),
    });
  }

  /** @param bootstrap of a client that is played in the process of its host */
  static async connect(
    native: Native,
    env: ClientEnv,
    bootstrap?: Bootstrap,
  ): Promise<PlayedClient> {
    const service = env["STREAMLIB_BROKER_XPC_SERVICE"]!;
    const dial = bootstrap && (() => bootstrap.tryConnect(service)!);
    const link = new BrokerLink(native, service, () => {}, dial);
    using reply = await link.relay(MESSAGE_TYPE.getEndpoint, {
      [KEY.connectionId]: env["STREAMLIB_CONNECTION_ID"],
      [KEY.waitMs]: uint64(PATIENCE_MS),
    }, { timeoutMs: PATIENCE_MS, token: env["STREAMLIB_CONNECTION_TOKEN"]! });
    using endpoint = new OwnedCapability(
      native,
      reply.take(KEY.endpoint, "endpoint")!,
    );
    const client = new PlayedClient(
      native,
      env,
      Connection.toEndpoint(native, endpoint.borrow()),
    );
    client.#stack.use(link);
    client.#endpoint = client.#stack.use(endpoint.dup());
    return client;
  }

  #endpoint: OwnedCapability | undefined;

  #openLane(message: Message): void {
    const memory = getCapability(message.body, CHANNEL_KEY.lane, "shmem");
    if (!memory) return;
    this.lane = this.#stack.use(PlayedLane.open(this.#native, memory));
    this.lane.connect(message.take(CHANNEL_KEY.bell, "fd")!);
  }

  /** Another connection to the same host. */
  again(): PlayedClient {
    return new PlayedClient(
      this.#native,
      this.env,
      Connection.toEndpoint(this.#native, this.#endpoint!.borrow()),
    );
  }

  get hello(): XpcDictionary {
    return helloMessage({
      connection_id: this.env["STREAMLIB_CONNECTION_ID"]!,
      token: this.env["STREAMLIB_CONNECTION_TOKEN"]!,
      schema_hash: HASH,
    });
  }

  /** Its end of the channel, for what the methods here do not do. */
  get connection(): Connection {
    return this.#connection;
  }

  send(message: XpcDictionary): void {
    this.#connection.send(message);
  }

  /** Returns the next message of this control type, and drops those before it. */
  control(type: string): Promise<XpcDictionary> {
    return this.#heard.next(CHANNEL_KEY.ctrlType, type);
  }

  /** Returns the next frame, and drops the messages before it. */
  frame(): Promise<XpcDictionary> {
    return this.#heard.next(CHANNEL_KEY.msgType, MSG_TYPE.frame);
  }

  [Symbol.dispose](): void {
    this.#stack[Symbol.dispose]();
  }
}

/** A host, and its client as the test plays it. */
export interface Played {
  readonly host: Supervisor<
    { video: typeof EVERY_FRAME },
    { video: typeof EVERY_FRAME }
  >;
  readonly client: PlayedClient;
  readonly warnings: string[];
  /** Ends the client's process. */
  exit(exit: ClientExit): void;
}

/** The time limit of the host's handshake, and what the test needs besides. */
interface PlayedOptions extends Needs {
  readonly timeoutSecs?: number;
}

/** Registers a test whose body plays the client. */
export function playedTest(
  name: string,
  body: (played: Played) => Promise<void>,
  { timeoutSecs = DEFAULT_TIMEOUT_SECS, ...needs }: PlayedOptions = {},
): void {
  permittedTest(
    name,
    { service: true, ...needs },
    () =>
      nativeLeavesNothing(async () => {
        using native = Native.open();
        const spawned = Promise.withResolvers<Parameters<StartClient>>();
        const exited = Promise.withResolvers<ClientExit>();
        const warnings: string[] = [];
        const host = new Supervisor(Native.open(), {
          schema,
          runtimeId: "test",
          processorId: "played",
          name: "client",
          processorType: "reactive",
          path: "lane",
          sleeps: false,
          timeoutSecs,
          findBroker: findEmbedded,
          spawn: (...how) => {
            spawned.resolve(how);
            return {
              pid: 1,
              stderrTail: "",
              exit: exited.promise,
              kill: () =>
                exited.resolve({
                  code: 143,
                  signal: "SIGTERM",
                  stderrTail: "",
                }),
            };
          },
          warn: (text) => warnings.push(text),
          restart: "never",
          settings: {},
          restarting: () => {},
        });
        try {
          const how = await soon(spawned.promise, "the spawn");
          using client = await soon(
            PlayedClient.connect(native, ...how),
            "connect",
          );
          const exit = (how: ClientExit): void => exited.resolve(how);
          await soon(body({ host, client, warnings, exit }), name);
        } finally {
          exited.resolve({ code: 0, signal: null, stderrTail: "" });
          await soon(host.close(), "close");
        }
      }),
  );
}

/** Plays the handshake up to the pong, with a hello that is changed. */
export async function shakeHands(
  client: PlayedClient,
  change: XpcDictionary = {},
): Promise<void> {
  client.send({ ...client.hello, ...change });
  await client.control("ping");
  client.send(pongMessage());
}

/** Plays the handshake of a client that uses the lane of its host. */
export async function shakeHandsWithLane(
  client: PlayedClient,
  change: XpcDictionary = {},
  bell?: XpcDictionary,
): Promise<PlayedLane> {
  client.send({ ...client.hello, ...featuresFields(FEATURES), ...change });
  await client.control("ping");
  const lane = client.lane;
  if (!lane) throw new Error("the host has offered no lane");
  using mine = lane.bell();
  client.send(pongMessage(bell ?? { [CHANNEL_KEY.bell]: mine.borrow() }));
  return lane;
}

/** The client's message that its processor has started. */
export const STARTED: XpcDictionary = {
  [CHANNEL_KEY.msgType]: MSG_TYPE.control,
  [CHANNEL_KEY.ctrlType]: CTRL_TYPE.started,
};

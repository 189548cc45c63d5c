/**
 * The real host, client and broker, each in a process of a simulated machine. Only
 * their surroundings are simulated: the start of a process, the loading of a
 * module, the runner's last steps.
 */

import { Broker } from "../../../broker/broker.ts";
import { ClientBridge } from "../../../client/bridge.ts";
import type { ClientIdentity } from "../../../client/client_session.ts";
import { type BrokerLease, findBroker } from "../../../host/broker_finder.ts";
import type { RestartPolicy } from "../../../host/restart.ts";
import type { ClientExit, ClientProcess } from "../../../host/spawn/spawn.ts";
import { Supervisor } from "../../../host/supervisor.ts";
import { connectionSchema } from "../../../proto/schema/connection_schema.ts";
import type { ControlClient } from "../../../proto/wire/control.ts";
import { BridgeError } from "../../../proto/errors.ts";
import { Bytes, Int64 } from "../../../proto/schema/field_type.ts";
import { port } from "../../../proto/schema/port.ts";
import { schema } from "../../../proto/schema/schema.ts";
import { clientLineStart } from "../../../proto/wire/keys.ts";
import type { SimProcess } from "../sim/process.ts";
import { settled, type World } from "../sim/world.ts";

/** The broker's service. */
export const SERVICE = "com.example.broker";
/** The client's name in what it writes. */
const NAME = "client";
/** The timeout of a connection, in seconds of virtual time. */
const TIMEOUT_SECS = 20;

const Note = schema({
  name: "Note",
  version: { major: 1, minor: 0, patch: 0 },
  fields: { text: Bytes, number: Int64 },
});
const NOTES = port(Note, { read_behavior: "read_next_in_order", capacity: 4 });
const PORTS = connectionSchema({
  inputs: { notes: NOTES },
  outputs: { notes: NOTES },
});
type Ports = { notes: typeof NOTES };

/** A record of a broker's log. */
interface LogRecord {
  readonly level: string;
  readonly message: string;
  readonly connection_id?: string;
  readonly reason?: string;
}

/** A broker in a process of its own. */
export class BrokerActor {
  readonly process: SimProcess;
  readonly records: LogRecord[] = [];
  broker!: Broker;

  private constructor(process: SimProcess) {
    this.process = process;
  }

  /** Starts a broker; no other step happens meanwhile. */
  static async start(world: World, name: string): Promise<BrokerActor> {
    const actor = new BrokerActor(world.process(name));
    const starting = Broker.start({
      native: actor.process.native.lease(),
      service: SERVICE,
      log: {
        sink: (line) => void actor.records.push(JSON.parse(line)),
        level: "info",
      },
    });
    await settled();
    await world.run((step) => step.process === actor.process);
    actor.broker = await starting;
    return actor;
  }

  /** The derived states that its connections went through, in order. */
  states(connectionId: string): string[] {
    return this.records
      .filter((record) => record.connection_id === connectionId)
      .map(({ message }) => message);
  }
}

/** A client in a process of its own, with a simulated runner. */
class ClientActor {
  readonly process: SimProcess;
  /** Called when the process has ended. */
  readonly exit: Promise<ClientExit>;
  /** Whether the user's code has started, and whether the end has come. */
  state: "starting" | "running" | "ended" = "starting";
  failure: BridgeError | undefined;
  /** How many times it was told to load its module. */
  loads = 0;
  readonly warnings: string[] = [];
  /** The native objects that are left after it has released everything. */
  leaks: string | undefined;
  readonly #parent: SimProcess;
  readonly #exited = Promise.withResolvers<ClientExit>();
  readonly #identity: ClientIdentity;
  #bridge: ClientBridge | undefined;
  #signal: Deno.Signal | null = null;

  constructor(
    process: SimProcess,
    identity: ClientIdentity,
    parent: SimProcess,
  ) {
    this.process = process;
    this.#identity = identity;
    this.#parent = parent;
    this.exit = this.#exited.promise;
    process.ended = () => this.#ended();
    process.post("starts", () => this.#start());
  }

  #start(): void {
    const { process } = this;
    this.#bridge = new ClientBridge(this.#identity, {
      native: process.native.lease(),
      isOrphan: () => this.#parent.isDead,
      warn: (text) => void this.warnings.push(text),
    }, {
      load: () => {
        this.loads++;
        process.post("has loaded its module", () => {
          if (this.state !== "starting") return;
          this.state = "running";
          this.#bridge!.started("reactive");
        });
      },
      arrived: () => this.#echo(),
      portEnded: () => this.#flush(),
      command: () => {},
      request: () => {},
      ended: (failure) => {
        this.failure = failure;
        this.state = "ended";
        process.post("exits", () => void this.#letGo());
      },
    });
  }

  #echo(): void {
    const { receivers, senders } = this.#bridge!
      .channel as unknown as Supervisor<Ports, Ports>["channel"];
    for (let frame; (frame = receivers.notes.get());) {
      using received = frame;
      using copy = senders.notes.acquire(received);
      senders.notes.send(copy);
    }
  }

  #flush(): void {
    const { receivers, senders } = this.#bridge!.channel;
    if (!receivers["notes"]!.ended) return;
    senders["notes"]!.end();
    this.#bridge!.flushed();
  }

  async #letGo(): Promise<void> {
    const { process } = this;
    await this.#bridge![Symbol.asyncDispose]();
    if (process.isDead) return;
    this.leaks = leftIn(process);
    process.end();
  }

  kill(signal: Deno.Signal): void {
    this.process.world.touch(this.process.name, "write");
    if (this.process.isDead) return;
    this.#signal = signal;
    this.process.end();
  }

  /** Tells the parent, as a step of its own. */
  #ended(): void {
    const orderly = this.leaks !== undefined;
    const signal = orderly ? null : this.#signal ?? "SIGKILL";
    const code = signal === null
      ? this.failure ? 1 : 0
      : signal === "SIGTERM"
      ? 143
      : 137;
    const stderrTail = orderly && this.failure
      ? `${clientLineStart(NAME)}${this.failure.code}: ${this.failure.message}`
      : "";
    this.#parent.post(
      `exit of ${this.process.name}`,
      () => this.#exited.resolve({ code, signal, stderrTail }),
    );
  }
}

/** Describes what is left in a process that has released everything, except the test's own lease. */
export function leftIn(process: SimProcess): string {
  const timers = process.world.timeline.pending(process);
  process.world.touch(process.name, "write");
  const left = process.handles.live() === 1
    ? ""
    : `handles: ${process.handles.describe()}`;
  process.native[Symbol.dispose]();
  return [
    left,
    timers > 0 ? `${timers} timers` : "",
    process.isClosed ? "" : "a lease of the shim",
  ].filter(Boolean).join("; ");
}

/** How a host is launched in a run. */
export interface HostSetting {
  readonly restart: RestartPolicy;
  /** Whether the first client starts when the connection is allocated, before the host spawns it. */
  readonly clientEarly: boolean;
}

/** A host in a process of its own. */
export class HostActor {
  readonly process: SimProcess;
  readonly supervisor: Supervisor<Ports, Ports>;
  readonly warnings: string[] = [];
  readonly clients: ClientActor[] = [];
  readonly restarts: BridgeError[] = [];
  isReady = false;
  /** Whether it has started its client, or adopted the early one. */
  hasSpawned = false;
  neverReady: BridgeError | undefined;
  outcome: { readonly failure: BridgeError | undefined } | undefined;
  #early: ClientActor | undefined;

  constructor(world: World, { restart, clientEarly }: HostSetting) {
    this.process = world.process("host");
    this.supervisor = new Supervisor<Ports, Ports>(
      this.process.native.lease(),
      {
        schema: PORTS,
        runtimeId: "runtime",
        processorId: "processor",
        name: NAME,
        processorType: "reactive",
        path: "dictionary",
        sleeps: false,
        timeoutSecs: TIMEOUT_SECS,
        findBroker: async (native, lost, signal) => {
          const lease = await findBroker(
            native,
            { given: SERVICE, fallback: SERVICE, embed: noEmbedding },
            lost,
            signal,
          );
          return clientEarly && this.clients.length === 0
            ? this.#overheard(lease)
            : lease;
        },
        spawn: (env) => this.#spawn(env),
        warn: (text) => void this.warnings.push(text),
        restart,
        settings: {},
        restarting: ({ failure }) => void this.restarts.push(failure),
      },
    );
    this.supervisor.ready.then(
      () => void (this.isReady = true),
      (failure) => void (this.neverReady = failure),
    );
    this.supervisor.ended.then((failure) => void (this.outcome = { failure }));
  }

  /** The current client. */
  get client(): ClientActor | undefined {
    return this.clients.at(-1);
  }

  /** Wraps the lease, to start the first client when the allocation is answered. */
  #overheard(lease: BrokerLease): BrokerLease {
    const control: ControlClient = {
      call: async (method, request, options) => {
        const response = await lease.control.call(method, request, options);
        if (
          method === "AllocateConnection" && this.clients.length === 0 &&
          !this.process.isDead
        ) {
          const { connection_id, client_token } = response as
            & typeof response
            & {
              connection_id: string;
              client_token: string;
            };
          this.#early = this.#start(connection_id, client_token);
        }
        return response;
      },
      [Symbol.dispose]: () => {},
    };
    return {
      ...lease,
      control,
      [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose](),
    };
  }

  #start(connection_id: string, token: string): ClientActor {
    const number = this.clients.length + 1;
    const client = new ClientActor(
      this.process.world.process(`client ${number}`),
      { connection_id, token, service: SERVICE },
      this.process,
    );
    this.clients.push(client);
    return client;
  }

  #spawn(env: Readonly<Record<string, string>>): ClientProcess {
    const client = this.#early ?? this.#start(
      env["STREAMLIB_CONNECTION_ID"]!,
      env["STREAMLIB_CONNECTION_TOKEN"]!,
    );
    this.#early = undefined;
    this.hasSpawned = true;
    return {
      pid: this.clients.length,
      stderrTail: "",
      exit: client.exit,
      kill: (signal) => client.kill(signal),
    };
  }

  /** Sends a frame. */
  sendNote(number: number): boolean {
    using frame = this.supervisor.channel.senders.notes.acquire({
      text: Uint8Array.of(1, 2, 3),
      number: BigInt(number),
    });
    return this.supervisor.channel.senders.notes.send(frame);
  }

  /** Returns the number of the next frame that comes back. */
  takeNote(): number | undefined {
    const frame = this.supervisor.channel.receivers.notes.get();
    if (!frame) return undefined;
    using received = frame;
    return Number(received.number);
  }
}

function noEmbedding(): Promise<never> {
  return Promise.reject(new BridgeError("native_failure", "no embedding here"));
}

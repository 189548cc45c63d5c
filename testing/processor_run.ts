/**
 * A processor that runs in the process of its test.
 *
 * @module
 */

import { Activity } from "../channel/activity.ts";
import { Channel } from "../channel/channel.ts";
import type { ChannelStats } from "../channel/channel_stats.ts";
import type { Receivers, Senders } from "../channel/ports/channel_ports.ts";
import { channelFeatures } from "../channel/transport.ts";
import { isClientCommand } from "../client/bridge.ts";
import { ProcessorInbox } from "../client/loops.ts";
import { isOurEnd, runOnChannel } from "../client/on_channel.ts";
import type { Processor } from "../client/processor.ts";
import { Connection } from "../ffi/connection.ts";
import type { Message } from "../ffi/message.ts";
import type { Native } from "../ffi/native.ts";
import { writeOrLose } from "../ffi/output.ts";
import { agreeWithModule, portsInPing } from "../host/agreement.ts";
import {
  type HostCalls,
  hostCalls,
  type HostSettings,
  hostSettings,
  type SomeSettings,
} from "../host/asking.ts";
import { ClientRequests } from "../host/client_requests.ts";
import { drained } from "../host/drain.ts";
import { BridgeError, describeError, failureReason } from "../proto/errors.ts";
import type { CallMap } from "../proto/schema/call_types.ts";
import {
  type ConnectionSchema,
  connectionSchema,
} from "../proto/schema/connection_schema.ts";
import {
  connectionSchemaToJson,
  parseConnectionSchema,
} from "../proto/schema/json/connection_schema_json.ts";
import type { PortMap, PortsOf } from "../proto/schema/port.ts";
import type { SettingMap } from "../proto/schema/settings.ts";
import { CHANNEL_KEY, CTRL_TYPE } from "../proto/wire/keys.ts";
import { heldFrames } from "./held_frames.ts";
import { openMemoryLink } from "./memory_native.ts";

/** Frames travel as messages: a lane is memory that two processes share. */
const MY_FEATURES = new Set(channelFeatures("dictionary"));

/** How a processor is run in its test. */
export interface RunOptions<
  I extends PortMap = PortMap,
  O extends PortMap = PortMap,
  S extends SettingMap = SettingMap,
> {
  /** The input ports of the test, which has the place of the host. Default: those that the processor declares. */
  readonly inputs?: I;
  /** The output ports of the test. Default: those that the processor declares. */
  readonly outputs?: O;
  /** The values of settings from the start, as a host gives them at its launch. Default: those that the processor declares. */
  readonly settings?: SomeSettings<S>;
}

/** The wait for the end of a processor's outputs. */
export interface EndOptions {
  /** Aborts the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** A processor that runs, as its test sees it. Made by `runProcessor`. */
export class ProcessorRun<
  I extends PortMap,
  O extends PortMap,
  S extends SettingMap = SettingMap,
  C extends CallMap = CallMap,
> implements AsyncDisposable {
  /** Sends frames to the processor, by port, as a host's `input` does. */
  readonly input: Senders<I>;
  /** Receives frames from the processor, by port, as a host's `output` does. */
  readonly output: Receivers<O>;
  /** Changes the processor's settings, as a host's `settings` do. */
  readonly settings: HostSettings<S>;
  /** Calls the processor, as a host's `call` does. */
  readonly call: HostCalls<C>;
  readonly #requests: ClientRequests;
  readonly #processor: Processor;
  readonly #schema: ConnectionSchema;
  readonly #native: Native;
  readonly #held = new DisposableStack();
  readonly #host: Channel<PortMap, PortMap>;
  readonly #client: Channel<PortMap, PortMap>;
  readonly #inbox = new ProcessorInbox();
  readonly #activity = new Activity();
  readonly #over = new AbortController();
  readonly #ready = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  readonly #problems: string[] = [];
  /** Gets the test's messages about settings and calls. */
  #request = (_type: string, _message: Message): void => {};
  #hasFlushed = false;
  #isDrained = false;
  #isOver = false;
  /** What a drained processor had acquired, and neither sent nor disposed, after its teardown: by output. */
  #acquired: ReadonlyMap<string, number> = new Map();
  #failure: Error | undefined;
  #released: Promise<void> | undefined;
  /** Whether the test has ended the run itself: with or without an error. */
  #outcome: "told" | "right" | undefined;

  private constructor(processor: Processor, options: RunOptions<I, O, S>) {
    const { schema } = processor;
    const inputs: PortMap | undefined = options.inputs ?? schema?.inputs;
    const outputs: PortMap | undefined = options.outputs ?? schema?.outputs;
    this.#processor = processor;
    this.#schema = connectionSchema<PortMap, PortMap>({
      ...(inputs && { inputs }),
      ...(outputs && { outputs }),
    });
    // What a client gets from the broker.
    const clients = parseConnectionSchema(connectionSchemaToJson(this.#schema));
    const { native, ends } = openMemoryLink();
    this.#native = this.#held.use(native);
    const [hosts, client] = ends.map((end) =>
      this.#held.use(new Connection(native, end))
    ) as [Connection, Connection];
    this.#host = this.#channel(
      hosts,
      this.#schema,
      (type, message) => this.#heardByHost(type, message),
    );
    const { inputs: outgoing, outputs: incoming } = clients;
    this.#client = this.#channel(client, {
      inputs: incoming,
      outputs: outgoing,
    }, (type, message) => {
      if (isClientCommand(type)) this.#inbox.command(type);
      else this.#request(type, message);
    }, this.#inbox);
    this.#requests = new ClientRequests(
      {
        clock: this.#native.clock,
        channel: this.#host,
        warn: (text) => void this.#problems.push(text),
      },
      options.settings === undefined ? {} : options.settings,
    );
    this.settings = hostSettings(this.#requests);
    this.call = hostCalls(this.#requests);
    this.input = this.#host.senders as unknown as Senders<I>;
    this.output = this.#host.receivers as unknown as Receivers<O>;
    this.#running = this.#run(clients);
  }

  /** See `runProcessor`. */
  static async start<
    I extends PortMap,
    O extends PortMap,
    S extends SettingMap,
    C extends CallMap,
  >(
    processor: Processor,
    options: RunOptions<I, O, S>,
  ): Promise<ProcessorRun<I, O, S, C>> {
    const run = new ProcessorRun<I, O, S, C>(processor, options);
    try {
      await run.#ready.promise;
      return run;
    } catch (error) {
      await run.#release();
      throw error;
    }
  }

  /** One side's channel: it sends on the inputs and receives on the outputs. */
  #channel(
    end: Connection,
    { inputs, outputs }: {
      readonly inputs: PortsOf<PortMap>;
      readonly outputs: PortsOf<PortMap>;
    },
    control: (type: string, message: Message) => void,
    inbox?: ProcessorInbox,
  ): Channel<PortMap, PortMap> {
    const changed = (): void => this.#activity.changed();
    const channel = new Channel<PortMap, PortMap>(
      this.#native,
      inputs,
      outputs,
      {
        control,
        arrived: inbox ? () => inbox.arrived() : changed,
        portEnded: inbox ? () => inbox.portEnded() : changed,
        problem: (text) => void this.#problems.push(text),
        failed: (error) => this.#fail(error),
      },
    );
    channel.attach(end);
    channel.use(MY_FEATURES);
    // Nobody is warned of a port that stands still: a test that can go no further ends at once.
    channel.stalls.setResting("stopped", true);
    channel.stalls.knowsReady = true;
    end.activate({
      message: (message) => channel.receive(message),
      ended: () => {},
    });
    return channel;
  }

  // ---- the processor ----

  async #run(hosts: ConnectionSchema): Promise<void> {
    const { signal } = this.#over;
    const channel = this.#client;
    try {
      await using held = new AsyncDisposableStack();
      try {
        await runOnChannel(this.#processor, {
          channel,
          hosts,
          ping: portsInPing(this.#schema, MY_FEATURES),
          signal,
          inbox: this.#inbox,
          heard: (receive) => this.#request = receive,
          started: (ports) => {
            channel.sendControl(CTRL_TYPE.started, {
              [CHANNEL_KEY.mode]: this.#processor.mode,
              ...ports,
            });
            channel.open();
          },
          flushed: () => channel.sendControl(CTRL_TYPE.flushed),
        }, held);
      } catch (error) {
        if (!isOurEnd(error, signal)) this.#fail(error);
      }
    } catch (error) {
      this.#fail(error); // of its teardown
    }
  }

  #heardByHost(type: string, { body }: Message): void {
    if (type === CTRL_TYPE.started) {
      const refused = agreeWithModule(
        this.#host,
        this.#schema,
        this.#processor.mode,
        body,
      );
      const problem = refused ?? this.#requests.started();
      if (problem) return this.#fail(problem);
      this.#requests.opened();
      this.#host.open();
      this.#ready.resolve();
    } else if (type === CTRL_TYPE.declared) {
      const problem = this.#requests.declared(body);
      if (problem) this.#fail(problem);
    } else if (type === CTRL_TYPE.answer) {
      this.#requests.answered(body);
    } else if (type === CTRL_TYPE.flushed) {
      this.#hasFlushed = true;
      this.#activity.changed();
    }
  }

  /** The first failure ends both sides. It is thrown to the test as it is. */
  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error
      ? error
      : new BridgeError("client_failed", describeError(error), {
        cause: error,
      });
    this.#ready.reject(this.#failure);
    this.#end();
  }

  /** Tells the processor to end. */
  #abort(): void {
    this.#over.abort();
    this.#inbox.activity.changed();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#abort();
    this.#client.end(this.#failure);
    this.#host.end(this.#failure);
    this.#requests.ended(failureOfRun(this.#failure));
    this.#activity.changed();
  }

  // ---- the test ----

  /** The counters of the test's side. */
  get stats(): ChannelStats {
    return this.#host.stats;
  }

  /** Pauses the processor, as a host's `pause` does. */
  pause(): void {
    this.#host.sendControl(CTRL_TYPE.pause);
  }

  /** Resumes the processor after {@link pause}. */
  resume(): void {
    this.#host.sendControl(CTRL_TYPE.resume);
  }

  /** Starts a manual processor. Throws `bad_argument` if it is of another kind. */
  start(): void {
    this.#checkManual("start");
    this.#host.sendControl(CTRL_TYPE.start);
  }

  /** Stops a manual processor. Throws `bad_argument` if it is of another kind. */
  stop(): void {
    this.#checkManual("stop");
    this.#host.sendControl(CTRL_TYPE.stop);
  }

  #checkManual(what: string): void {
    const { mode } = this.#processor;
    if (mode === "manual") return;
    throw new BridgeError(
      "bad_argument",
      `Cannot ${what} a ${mode} processor: only a manual one is started and stopped`,
    );
  }

  /**
   * Ends every input, and resolves when the processor has flushed and ended every
   * output, as a host's `drain` does. The results may be read meanwhile and
   * afterwards; an output in order must be read meanwhile if there are more
   * results than its capacity. A processor without inputs ends its outputs itself.
   *
   * Throws the processor's error; a `BridgeError`, `aborted`, if `signal` aborts.
   */
  async drain({ signal }: EndOptions = {}): Promise<void> {
    if (this.#isDrained) return;
    const host = {
      channel: this.#host,
      activity: this.#activity,
      over: this.#over.signal,
      lastFailure: undefined,
    };
    const hasFlushed = (): boolean => this.#hasFlushed;
    const failure = (): Error | undefined => this.#failure;
    await drained({
      ...host,
      get hasFlushed() {
        return hasFlushed();
      },
      get failure() {
        return failure();
      },
    }, signal);
    this.#isDrained = true;
  }

  /**
   * Drains the processor, calls its `teardown`, and checks it. Call it as the last
   * thing of a test. Results that nobody has read can still be read.
   *
   * Throws what {@link drain} and {@link close} throw, and `client_failed` if the
   * processor has acquired a frame and neither sent nor disposed it.
   */
  async end(options: EndOptions = {}): Promise<void> {
    try {
      await this.drain(options);
    } finally {
      await this.#release();
      this.#outcome = "told";
    }
    this.#check(this.#acquired);
  }

  /**
   * Ends the processor now, calls its `teardown`, and checks it. Results that
   * nobody has read are dropped, unless it was drained.
   *
   * Throws the processor's error; `client_failed` with the port's name and the
   * number of frames if the processor has not disposed what it received, and with
   * what a host would have warned of.
   */
  async close(): Promise<void> {
    await this.#release();
    this.#check(new Map());
  }

  #check(acquired: ReadonlyMap<string, number>): void {
    this.#outcome = "told";
    if (this.#failure) throw this.#failure;
    const wrong = [
      heldFrames("the processor", "of its input", this.#client.onLease),
      heldFrames("the processor", "that it acquired on its output", acquired),
      ...this.#problems,
    ].filter((text) => text !== undefined);
    if (wrong.length > 0) {
      throw new BridgeError("client_failed", wrong.join("\n"));
    }
    this.#outcome = "right";
  }

  /** Ends and releases everything, once. */
  #release(): Promise<void> {
    return this.#released ??= (async () => {
      if (this.#isDrained) { // so the processor ends without the end of its channel
        this.#abort();
        await this.#running;
        this.#acquired = this.#client.acquired; // the end of the channel ends their leases
      }
      this.#end();
      await this.#running;
      this.#client[Symbol.dispose]();
      if (!this.#isDrained) this.#host[Symbol.dispose]();
      this.#held.dispose();
    })();
  }

  /**
   * Ends the run, if the test has not. Does not throw for a test that ends early:
   * then the test's own error counts, and a processor's error is written to stderr.
   *
   * Throws `client_failed` if the run was ended and the test still holds a result.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#release();
    if (this.#outcome === "right") {
      const wrong = heldFrames("the test", "of the output", this.#host.onLease);
      this.#host[Symbol.dispose]();
      if (wrong !== undefined) throw new BridgeError("client_failed", wrong);
    } else if (this.#failure && this.#outcome !== "told") {
      const why = failureReason(this.#failure);
      const text = `streamlib: the processor under test has failed: ${why}\n`;
      writeOrLose(Deno.stderr, new TextEncoder().encode(text));
    }
  }
}

/** What the processor's own error is to whoever waits for an answer. */
function failureOfRun(failure: Error | undefined): BridgeError | undefined {
  if (failure === undefined || failure instanceof BridgeError) return failure;
  return new BridgeError(
    "client_failed",
    `the processor has failed: ${describeError(failure)}`,
    { cause: failure },
  );
}

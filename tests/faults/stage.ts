/**
 * Where one case happens: a service of its own, the parties that the test
 * plays itself, and those that are processes.
 */

import { assertEquals } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { Native } from "../../ffi/native.ts";
import type { ClientProcess } from "../../host/spawn/spawn.ts";
import { sendSignal, statusOf } from "../helpers/child.ts";
import { soon, until } from "../helpers/soon.ts";
import { WORDS } from "./client.ts";
import { hookedShim } from "./hooked_shim.ts";
import {
  type FaultyHost,
  type FaultyHostOptions,
  type HostArguments,
  type HostLine,
  startHost,
} from "./host.ts";
import { LimitClock } from "./limit_clock.ts";
import { carryOut, exists, type Hooks, PLAN, type Plan } from "./moments.ts";

/** What the broker said of a connection. */
export interface BrokerRecord {
  readonly message: string;
  readonly connection_id?: string;
  readonly reason?: string;
}

/** How a case's host differs from one without faults. */
export type HostFaults =
  & Partial<Pick<FaultyHostOptions, "hooks" | "spawned">>
  & Pick<
    FaultyHostOptions,
    "clientPlan" | "early" | "grpc" | "grpcClient" | "module"
  >;

let cases = 0;

/** One case: its names and files, and what its brokers said. Its hosts and their clients end, at the latest, with its scope. */
export class Case implements AsyncDisposable {
  readonly service: string;
  readonly directory: string;
  /** Where gRPC is served, by a broker that is to serve it. */
  readonly grpc: string;
  /** When the fault was done, see {@link Fault.mark}. */
  readonly mark: string;
  /** A file that is there once {@link release} was called. */
  readonly released: string;
  /** What the client wrote on stderr. */
  readonly words: string;
  readonly records: BrokerRecord[] = [];
  /** The clock of the hosts in this process. */
  readonly clock: LimitClock = new LimitClock();
  /** Each message that a host in this process has sent. */
  readonly sent: string[] = [];
  readonly #hosts: FaultyHost[] = [];
  readonly #clients: ClientProcess[] = [];

  /** @param home the run's STREAMLIB_HOME */
  constructor(home: string) {
    const number = ++cases;
    this.service = `com.example.faults.${number}`;
    this.directory = `${home}/case-${number}`;
    this.grpc = `unix:${home}/run/${this.service}.grpc`;
    this.mark = `${this.directory}/mark`;
    this.released = `${this.directory}/released`;
    this.words = `${this.directory}/words`;
    Deno.mkdirSync(this.directory);
  }

  /** A broker in this process. */
  broker(hooks: Hooks = carryOut({}), grpc?: string): Promise<Broker> {
    return Broker.start({
      native: new Native(hookedShim(hooks)),
      service: this.service,
      ...(grpc !== undefined && { grpc }),
      log: { sink: (line) => this.records.push(JSON.parse(line)) },
    });
  }

  /** A broker in a process of its own. */
  brokerProcess(plan: Plan = {}, grpc?: string): Promise<PartyProcess> {
    const also = grpc === undefined ? [] : [grpc];
    return PartyProcess.start("broker.ts", [this.service, ...also], plan);
  }

  /** A host in this process. */
  host(
    { hooks = carryOut({}), spawned, ...faults }: HostFaults = {},
  ): FaultyHost {
    const host = startHost({
      service: this.service,
      directory: this.directory,
      words: this.words,
      clock: this.clock,
      hooks: {
        at: (name, when) => {
          hooks.at(name, when);
          if (when === "after") this.sent.push(name);
        },
      },
      spawned: (client) => {
        this.#clients.push(client);
        spawned?.(client);
      },
      ...faults,
    });
    this.#hosts.push(host);
    return host;
  }

  /** A host in a process of its own. */
  hostProcess(
    args: Omit<HostArguments, "service" | "directory" | "words">,
    plan: Plan = {},
  ): Promise<PartyProcess> {
    const { service, directory, words } = this;
    return PartyProcess.start(
      "host.ts",
      [JSON.stringify({ service, directory, words, ...args })],
      plan,
    );
  }

  /** Lets whoever stands still until {@link released} go on. */
  release(): void {
    Deno.writeTextFileSync(this.released, "");
  }

  /** When the fault was done, in epoch milliseconds. Throws where it was not. */
  get doneAt(): number {
    return Number(Deno.readTextFileSync(this.mark));
  }

  /** Whether the fault was done, or whoever is to do it stands still. */
  get isDone(): boolean {
    return exists(this.mark);
  }

  /** What the client wrote on stderr so far. */
  get lastWords(): string {
    return exists(this.words) ? Deno.readTextFileSync(this.words) : "";
  }

  /** Why the connection failed, by the broker's word. */
  get failureReason(): string | undefined {
    return this.records.find(({ message }) => message === "failed")?.reason;
  }

  /** Nothing is in the way of the next broker of this name. */
  async nextBrokerStarts(): Promise<void> {
    await using _ = await this.broker();
  }

  /** Kills what a test that has failed has left. After one that has not there is nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.kill("SIGKILL");
    killWhoever(`${WORDS}=${this.words}`);
    for (const host of this.#hosts) await soon(host.close(), "a host's end");
  }
}

/** Kills the processes with this variable: clients of a host that was killed, and what they have started. */
function killWhoever(variable: string): void {
  for (const { name } of Deno.readDirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === Deno.pid) continue;
    try {
      const environment = Deno.readTextFileSync(`/proc/${pid}/environ`);
      if (!environment.split("\0").includes(variable)) continue;
      Deno.kill(pid, "SIGKILL");
    } catch {
      // it has ended meanwhile, or is another user's
    }
  }
}

/** A party that is a process of its own. It ends, at the latest, with its scope. */
export class PartyProcess implements AsyncDisposable {
  readonly pid: number;
  /** What it wrote on stderr, once it has ended. */
  readonly errors: Promise<string>;
  readonly #child: Deno.ChildProcess;
  readonly #lines: string[] = [];
  readonly #read: Promise<void>;

  /** Starts it; returns once it exists. */
  static async start(
    module: string,
    args: readonly string[],
    plan: Plan,
  ): Promise<PartyProcess> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--no-check",
        "--allow-all",
        new URL(module, import.meta.url).href,
        ...args,
      ],
      env: { [PLAN]: JSON.stringify(plan) },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    await Promise.resolve();
    return new PartyProcess(child);
  }

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.pid = child.pid;
    this.errors = new Response(child.stderr).text();
    this.#read = this.#readLines();
  }

  async #readLines(): Promise<void> {
    let text = "";
    for await (
      const chunk of this.#child.stdout.pipeThrough(new TextDecoderStream())
    ) {
      text += chunk;
      const lines = text.split("\n");
      text = lines.pop()!;
      this.#lines.push(...lines);
    }
  }

  /** Everything that it said so far. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** What a host's process said of `key`, once it has. */
  async said<K extends string>(
    key: K,
  ): Promise<Extract<HostLine, Record<K, unknown>>> {
    let found: HostLine | undefined;
    await until(`the host's '${key}'`, () => {
      found = this.#lines.map((line) => JSON.parse(line) as HostLine)
        .find((line) => key in line);
      return found !== undefined;
    });
    return found as Extract<HostLine, Record<K, unknown>>;
  }

  /** Returns when it says that it serves. */
  async serves(): Promise<void> {
    await until("the broker's start", () => this.#lines.includes("ready"));
  }

  /** Sends it a signal, if it is still there. */
  signal(signal: Deno.Signal): void {
    sendSignal(this.#child, signal);
  }

  /** Returns when somebody has killed it. */
  async killed(): Promise<void> {
    const { signal } = await soon(this.#child.status, "the kill");
    if (signal === "SIGKILL") return;
    throw new Error(`It ended by itself: ${await soon(this.errors, "why")}`);
  }

  /** Lets it end by itself, and waits until it has, and all that it said was read. Kills it where it does not, and throws. */
  async end(): Promise<Deno.CommandStatus> {
    sendSignal(this.#child, "SIGCONT"); // where a test has failed it may be stopped
    await this.#child.stdin.close().catch(() => {}); // it is gone
    const status = await statusOf(this.#child, "a party's end");
    await soon(Promise.all([this.#read, this.errors]), "a party's last words");
    return status;
  }

  /** As {@link end}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

/** The state of a process, as /proc has it; `undefined` where there is none. */
function stateOf(pid: number): string | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return stat.slice(stat.lastIndexOf(")") + 2)[0];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if ((error as { code?: string }).code === "ESRCH") return undefined;
    throw error;
  }
}

/** Whether a process runs. One that has ended and that nobody has asked for does not. */
export function runs(pid: number): boolean {
  return !["Z", "X", undefined].includes(stateOf(pid));
}

/** Whether a process was stopped by a signal. */
export function isStopped(pid: number): boolean {
  return stateOf(pid) === "T";
}

/** Frames go to the client and come back, each of them, in order. */
export async function exchange(
  host: FaultyHost,
  first: number,
  count: number,
): Promise<void> {
  const { senders, receivers } = host.channel;
  const results = receivers.video[Symbol.asyncIterator]();
  for (let number = first; number < first + count; number++) {
    await soon(senders.video.ready, `room for frame ${number}`);
    using frame = senders.video.acquire({
      pixel_buffer: { width: 8, height: 8, pixel_format: "rgba8" },
      pixel_format: "rgba8",
      width: 8,
      height: 8,
      timestamp_ns: BigInt(number),
      frame_number: BigInt(number),
    });
    frame.pixel_buffer.pixels.fill(number & 255);
    senders.video.send(frame);
    const { value } = await soon(results.next(), `frame ${number}`);
    using out = value!;
    assertEquals(out.frame_number, BigInt(number));
    assertEquals(out.pixel_buffer.pixels[0], 255 - (number & 255));
  }
}

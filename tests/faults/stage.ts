/**
 * The stage of one case: its own service, the parties in the test's process, and
 * those in processes of their own.
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
import { LimitClock } from "../helpers/limit_clock.ts";
import { carryOut, exists, type Hooks, PLAN, type Plan } from "./moments.ts";

/** The broker's record of a connection. */
interface BrokerRecord {
  readonly message: string;
  readonly connection_id?: string;
  readonly reason?: string;
}

/** How a case's host differs from one without faults. */
type HostFaults =
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
  /** The gRPC address of a broker that serves gRPC. */
  readonly grpc: string;
  /** The file with the time of the fault; see {@link Fault.mark}. */
  readonly mark: string;
  /** A file that exists after {@link release} was called. */
  readonly released: string;
  /** The file with the client's stderr. */
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

  /** Lets processes that wait for {@link released} go on. */
  release(): void {
    Deno.writeTextFileSync(this.released, "");
  }

  /** Returns the time of the fault, in milliseconds since 1970. Throws if there was none. */
  get doneAt(): number {
    return Number(Deno.readTextFileSync(this.mark));
  }

  /** Whether the fault was done, or its process waits to do it. */
  get isDone(): boolean {
    return exists(this.mark);
  }

  /** Returns what the client has written to stderr so far. */
  get lastWords(): string {
    return exists(this.words) ? Deno.readTextFileSync(this.words) : "";
  }

  /** Returns the broker's reason for the failure or close of the connection. */
  get failureReason(): string | undefined {
    return this.records.find(({ message }) =>
      message === "failed" || message === "closed"
    )?.reason;
  }

  /** Checks that another broker of this name can start. */
  async nextBrokerStarts(): Promise<void> {
    await using _ = await this.broker();
  }

  /** Kills what a failed test has left. A test that passes leaves nothing. */
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
      // it has ended meanwhile, or belongs to another user
    }
  }
}

/** A party in a process of its own. It ends with its scope at the latest. */
class PartyProcess implements AsyncDisposable {
  readonly pid: number;
  /** Its stderr, after it has ended. */
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

  /** All its output so far. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Returns the value that a host's process writes for `key`, once it has. */
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

  /** Returns when it reports that it serves. */
  async serves(): Promise<void> {
    await until("the broker's start", () => this.#lines.includes("ready"));
  }

  /** Sends it a signal, if it is still there. */
  signal(signal: Deno.Signal): void {
    sendSignal(this.#child, signal);
  }

  /** Returns when it has been killed. */
  async killed(): Promise<void> {
    const { signal } = await soon(this.#child.status, "the kill");
    if (signal === "SIGKILL") return;
    throw new Error(`It ended by itself: ${await soon(this.errors, "why")}`);
  }

  /** Lets it end by itself, and waits until it has ended and its output was read. If it does not end, kills it and throws. */
  async end(): Promise<Deno.CommandStatus> {
    sendSignal(this.#child, "SIGCONT"); // after a failed test it may be stopped
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

/** Returns the state of a process from /proc; `undefined` if there is no such process. */
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

/** Whether a process runs. A zombie does not. */
export function runs(pid: number): boolean {
  return !["Z", "X", undefined].includes(stateOf(pid));
}

/** Whether a process was stopped by a signal. */
export function isStopped(pid: number): boolean {
  return stateOf(pid) === "T";
}

/** Sends frames to the client, and checks that each comes back, in order. */
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

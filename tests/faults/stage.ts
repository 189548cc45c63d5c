/**
 * Where one case happens: a service of its own, the parties that the test
 * plays itself, and those that are processes.
 */

import { assertEquals } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { Native } from "../../ffi/native.ts";
import { soon } from "../helpers/soon.ts";
import { hookedShim } from "./hooked_shim.ts";
import type { FaultyHost, HostArguments, HostLine } from "./host.ts";
import { carryOut, type Hooks, PLAN, type Plan } from "./moments.ts";

/** How long anything here may take, in milliseconds: far more than it does. */
export const DEADLINE_MS = 20_000;

/** What the broker said of a connection. */
export interface BrokerRecord {
  readonly message: string;
  readonly connection_id?: string;
  readonly reason?: string;
}

let cases = 0;

/** One case: its names and files, and what its brokers said. */
export class Case {
  readonly service: string;
  readonly directory: string;
  /** Where gRPC is served, by a broker that is to serve it. */
  readonly grpc: string;
  /** When the fault was done, see {@link Fault.mark}. */
  readonly mark: string;
  /** What the client wrote on stderr. */
  readonly words: string;
  readonly records: BrokerRecord[] = [];

  /** @param home the run's STREAMLIB_HOME */
  constructor(home: string) {
    const number = ++cases;
    this.service = `com.example.faults.${number}`;
    this.directory = `${home}/case-${number}`;
    this.grpc = `unix:${home}/run/${this.service}.grpc`;
    this.mark = `${this.directory}/mark`;
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
  brokerProcess(plan: Plan, grpc?: string): Promise<PartyProcess> {
    const also = grpc === undefined ? [] : [grpc];
    return PartyProcess.start("broker.ts", [this.service, ...also], plan);
  }

  /** A host in a process of its own. */
  hostProcess(args: HostArguments, plan: Plan): Promise<PartyProcess> {
    return PartyProcess.start("host.ts", [JSON.stringify(args)], plan);
  }

  /** When the fault was done, in epoch milliseconds. Throws where it was not. */
  get doneAt(): number {
    return Number(Deno.readTextFileSync(this.mark));
  }

  /** Whether the fault was done. */
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
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A party that is a process of its own. It ends, at the latest, with its scope. */
export class PartyProcess implements AsyncDisposable {
  readonly pid: number;
  /** How it ended. */
  readonly status: Promise<Deno.CommandStatus>;
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
    this.status = child.status;
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

  /** Sends it a signal. */
  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Lets it end by itself, and waits until it has, and all that it said was read. */
  async end(): Promise<Deno.CommandStatus> {
    await this.#child.stdin.close().catch(() => {}); // it is gone
    const status = await soon(this.status, "its end", DEADLINE_MS);
    await Promise.all([this.#read, this.errors]);
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

/** Waits until something holds; fails with `what` when it never does. */
export async function until(
  what: string,
  holds: () => boolean,
): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`${what}: never`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Whether a process runs. One that has ended and that nobody has asked for does not. */
export function runs(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if ((error as { code?: string }).code === "ESRCH") return false;
    throw error;
  }
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
    await senders.video.ready;
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

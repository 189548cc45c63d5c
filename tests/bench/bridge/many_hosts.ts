/** Many hosts in one other process, `programs/many_hosts.ts`, and their broker in a third one: its quotas must be raised for so many. */

import { availableKib } from "../harness/processes.ts";
import { NotHere, type Round } from "../harness/subject.ts";
import { Program } from "../program.ts";
import type { ManyHosts } from "../programs/many_hosts.ts";
import { BenchBroker } from "./broker.ts";
import type { Way } from "./ways.ts";

/** What a client needs at most, in KiB. */
const CLIENT_KIB = 64 * 1024;
/** The longest that all hosts take to start, or to end. */
const START_MS = 600_000;

/** A process with a number of hosts that are ready. */
export class HostProcess implements AsyncDisposable {
  /** The processes of the clients. */
  readonly clients: readonly number[];
  readonly #broker: BenchBroker;
  readonly #program: Program;
  readonly #held: AsyncDisposableStack;

  /** Starts the process, and waits until all its hosts are ready. */
  static async start(way: Way, count: number): Promise<HostProcess | NotHere> {
    if (Deno.build.os !== "linux") {
      return new NotHere("processes are counted in /proc");
    }
    const [needs, has] = [count * CLIENT_KIB, availableKib()];
    if (needs > has) {
      return new NotHere(
        `${count} clients need up to ${needs >> 10} MiB of memory, and ${
          has >> 10
        } MiB are available`,
      );
    }
    await using held = new AsyncDisposableStack();
    const broker = held.use(await BenchBroker.start());
    const program = held.use(
      Program.deno("many_hosts.ts", [way.name, count], broker.environment),
    );
    const said = JSON.parse(await program.line(START_MS));
    if ("reason" in said) return new NotHere(said.reason);
    return new HostProcess(broker, program, said, held.move());
  }

  private constructor(
    broker: BenchBroker,
    program: Program,
    { clients }: ManyHosts,
    held: AsyncDisposableStack,
  ) {
    this.#broker = broker;
    this.#program = program;
    this.clients = clients;
    this.#held = held;
  }

  /** The process of the hosts. */
  get pid(): number {
    return this.#program.pid;
  }

  /** All processes: of the hosts, of the clients, of the broker. */
  get pids(): readonly number[] {
    return [this.pid, ...this.clients, this.#broker.pid];
  }

  /** Round trips on one of the connections, in microseconds. */
  async round(): Promise<Round> {
    await this.#program.tell("");
    return { samples: JSON.parse(await this.#program.line()) };
  }

  /** Closes all hosts. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program.finish(START_MS);
    await this.#held.disposeAsync();
  }
}

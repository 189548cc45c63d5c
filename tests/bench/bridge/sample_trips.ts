/** Round trips of samples between this process and a client that sends each one back. */

import type { ReactiveHost, ReceivedFrame } from "../../../host/mod.ts";
import { placed, PlacementLog } from "../harness/placement.ts";
import { NotHere, type Round, type Subject } from "../harness/subject.ts";
import { copyOf, type Sample, sampleOf, SAMPLES } from "../ports.ts";
import { clientModule, type Language } from "./clients.ts";
import { launch, type Way } from "./ways.ts";

/** The longest that a synchronous call waits for an answer. */
const WAIT_MS = 10_000;
/** How often a round looks where the processes run. */
const LOOKS = 16;

type Ports = { samples: typeof SAMPLES };

/** How the round trips are made. */
interface TripOptions {
  /** Round trips in a round. */
  readonly count: number;
  /** Round trips before the first round. Default: `count`. */
  readonly warmUp?: number;
  /** Whether both sides wait with their threads; else with `await next()`. */
  readonly isSync?: boolean;
  /** The language of the client, which waits with its thread in Python. Default: TypeScript. */
  readonly language?: Language;
  /** The pause before each round trip, in milliseconds. Default: none. */
  readonly pauseMs?: number;
}

/** A client that sends samples back. */
export class SampleTrips implements Subject {
  /** The host. */
  readonly host: ReactiveHost<Ports, Ports>;
  readonly #options: TripOptions;
  readonly #log: PlacementLog;
  #number = 0;

  /** Launches the client, and makes the first round trips. */
  static async start(
    way: Way,
    options: TripOptions,
  ): Promise<SampleTrips | NotHere> {
    const module = await clientModule(
      options.isSync ? "relay_samples_sync" : "relay_samples",
      options.language,
    );
    if (module instanceof NotHere) return module;
    const host = await launch<Ports, Ports>(way, {
      module,
      inputs: { samples: SAMPLES },
      outputs: { samples: SAMPLES },
    });
    if (host instanceof NotHere) return host;
    const trips = new SampleTrips(host, options);
    try {
      await trips.#run(options.warmUp ?? options.count);
    } catch (error) {
      await host.close();
      throw error;
    }
    return trips;
  }

  private constructor(
    host: ReactiveHost<Ports, Ports>,
    options: TripOptions,
  ) {
    this.host = host;
    this.#options = options;
    this.#log = new PlacementLog(Deno.pid, host.clientPid);
  }

  /** Measures the round trips, in microseconds. */
  async round(): Promise<Round> {
    this.#log.take();
    const samples = await this.#run(this.#options.count);
    return { samples, ...placed(this.#log.take()) };
  }

  async #run(count: number): Promise<Float64Array> {
    const { pauseMs } = this.#options;
    const us = new Float64Array(count);
    const every = Math.ceil(count / LOOKS);
    for (let i = 0; i < count; i++) {
      if (pauseMs !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
      if (i % every === 0) {
        this.#log.look();
        await this.host.input.samples.ready;
      }
      us[i] = this.#options.isSync ? this.#tripSync() : await this.#trip();
    }
    return us;
  }

  /** One round trip through `await next()` and `using`. */
  async #trip(): Promise<number> {
    const { input, output } = this.host;
    const number = this.#number++;
    const began = performance.now();
    {
      using frame = input.samples.acquire(sampleOf(number));
      input.samples.send(frame);
    }
    using back = await output.samples.next();
    check(number, back);
    return (performance.now() - began) * 1000;
  }

  /** One round trip through the synchronous call, without `using`: a frame that was sent needs no dispose. */
  #tripSync(): number {
    const { input, output } = this.host;
    const number = this.#number++;
    const began = performance.now();
    input.samples.send(input.samples.acquire(sampleOf(number)));
    const back = output.samples.recvSync(WAIT_MS);
    check(number, back);
    back![Symbol.dispose]();
    return (performance.now() - began) * 1000;
  }

  /** Closes the host. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.host.close();
  }
}

/** Reads every field, and throws unless it is the sample that was sent. */
function check(
  number: number,
  back: ReceivedFrame<typeof Sample> | undefined,
): void {
  if (back === undefined) throw new Error(`sample ${number} did not come back`);
  const values = copyOf(back);
  if (values.number === number && values.turn_z === number) return;
  throw new Error(`sample ${values.number} came back for sample ${number}`);
}

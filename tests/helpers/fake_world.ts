import { Registry } from "../../broker/registry/registry.ts";
import type { RegistryOptions } from "../../broker/registry/registry_types.ts";
import { Log } from "../../broker/log/log.ts";
import { Prng } from "./prng.ts";

/** A clock that only the test moves. A timer fires when the clock reaches its time. */
export class FakeClock {
  #now = 1_000_000;
  readonly #timers = new Set<{ at: number; callback: () => void }>();

  now = (): number => this.#now;

  setTimer = (callback: () => void, ms: number): () => void => {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  /** The number of timers that are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Advances the clock by `ms`, and fires each timer at its time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#timers].sort((a, b) => a.at - b.at);
      if (next === undefined || next.at > end) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }

  /** Advances the clock by `ms` and fires no timer, like a blocked event loop. */
  stall(ms: number): void {
    this.#now += ms;
  }
}

/** Stands in for a native endpoint; it must be disposed exactly once. */
export class FakeEndpoint implements Disposable {
  disposals = 0;

  constructor(readonly name: string, readonly all: FakeEndpoint[] = []) {
    all.push(this);
  }

  dup(): FakeEndpoint {
    return new FakeEndpoint(`${this.name} copy`, this.all);
  }

  [Symbol.dispose](): void {
    this.disposals++;
  }
}

/** The clock, endpoints, log and random numbers of a registry, controlled by a test. */
export class FakeWorld {
  readonly clock = new FakeClock();
  readonly endpoints: FakeEndpoint[] = [];
  readonly logLines: Record<string, unknown>[] = [];
  readonly log: Log = new Log("test", {
    sink: (line) => void this.logLines.push(JSON.parse(line)),
    now: this.clock.now,
  });
  readonly #random = new Prng(7);

  /** Makes a registry that uses them. */
  registry(options: Partial<RegistryOptions> = {}): Registry<FakeEndpoint> {
    return new Registry<FakeEndpoint>({
      now: this.clock.now,
      setTimer: this.clock.setTimer,
      randomBytes: (count) => this.#random.bytes(count),
      ...options,
    });
  }

  /** Makes an endpoint, which {@link disposals} counts. */
  endpoint(name = "endpoint"): FakeEndpoint {
    return new FakeEndpoint(name, this.endpoints);
  }

  /** The numbers of endpoints that were disposed never, once, and more than once. */
  get disposals(): [number, number, number] {
    const count = (test: (times: number) => boolean): number =>
      this.endpoints.filter(({ disposals }) => test(disposals)).length;
    return [count((n) => n === 0), count((n) => n === 1), count((n) => n > 1)];
  }
}

/** Runs all promise callbacks that need no timer and no event. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

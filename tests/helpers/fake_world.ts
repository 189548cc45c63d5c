import {
  Registry,
  type RegistryOptions,
} from "../../broker/registry/registry.ts";
import { Log } from "../../broker/log/log.ts";
import { Prng } from "./prng.ts";

/** A clock that moves only when told, with timers that fire as it passes them. */
export class FakeClock {
  #now = 1_000_000;
  readonly #timers = new Set<{ at: number; callback: () => void }>();

  now = (): number => this.#now;

  setTimer = (callback: () => void, ms: number): () => void => {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on by `ms`, firing each timer at its time. */
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

  /** Moves on by `ms` without firing anything: the event loop was held up. */
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

/** Everything outside a registry, in the hands of a test. */
export class FakeWorld {
  readonly clock = new FakeClock();
  readonly endpoints: FakeEndpoint[] = [];
  readonly logLines: Record<string, unknown>[] = [];
  readonly log: Log = new Log("test", {
    sink: (line) => void this.logLines.push(JSON.parse(line)),
    now: this.clock.now,
  });
  readonly #random = new Prng(7);

  /** A registry over this world. */
  registry(options: Partial<RegistryOptions> = {}): Registry<FakeEndpoint> {
    return new Registry<FakeEndpoint>({
      now: this.clock.now,
      setTimer: this.clock.setTimer,
      randomBytes: (count) => this.#random.bytes(count),
      ...options,
    });
  }

  /** A new endpoint, remembered. */
  endpoint(name = "endpoint"): FakeEndpoint {
    return new FakeEndpoint(name, this.endpoints);
  }

  /** How many endpoints were disposed how often: `[never, once, more]`. */
  get disposals(): [number, number, number] {
    const count = (test: (times: number) => boolean): number =>
      this.endpoints.filter(({ disposals }) => test(disposals)).length;
    return [count((n) => n === 0), count((n) => n === 1), count((n) => n > 1)];
  }
}

/** Lets everything run that waits for nothing but a promise. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

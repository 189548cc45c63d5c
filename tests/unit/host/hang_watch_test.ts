import { assertEquals } from "@std/assert";
import type { Timer, TimerClock } from "../../../ffi/clock.ts";
import { HangWatch, type WatchedClient } from "../../../host/hang_watch.ts";

const LIMIT_MS = 8_000;
const LOOK_MS = 1_000;

/** A client, and a time that passes in steps. */
class Scene implements WatchedClient, TimerClock {
  busy = true;
  heardCount = 0;
  stopped = false;
  /** What the watch did, with the time. */
  readonly log: string[] = [];
  readonly clock: TimerClock = this;
  readonly watch: HangWatch;
  #now = 0;
  #due: { at: number; callback: () => void } | undefined;

  constructor() {
    this.watch = new HangWatch(this, LIMIT_MS);
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): Timer {
    this.#due = { at: this.#now + ms, callback };
    return { cancel: () => this.#due = undefined, unref: () => {} };
  }

  isBusy(): boolean {
    return this.busy;
  }

  heard(): number {
    return this.heardCount;
  }

  isStopped(): boolean {
    return this.stopped;
  }

  ask(): void {
    this.log.push(`asks at ${this.#now}`);
  }

  hangs(): void {
    this.log.push(`hangs at ${this.#now}`);
  }

  /** Lets the time pass. `each` is called before each look. */
  pass(ms: number, each: () => void = () => {}): void {
    const until = this.#now + ms;
    while (this.#due && this.#due.at <= until) {
      const { at, callback } = this.#due;
      this.#due = undefined;
      this.#now = Math.max(this.#now, at);
      each();
      callback();
    }
    this.#now = until;
  }

  /** This process does not run for a time; then its timer is late. */
  freeze(ms: number): void {
    this.#now += ms;
    this.pass(0);
  }
}

Deno.test("hang watch: a client that is busy and says nothing is asked once, then hangs", () => {
  const scene = new Scene();
  scene.pass(60_000);
  assertEquals(scene.log, ["asks at 4000", "hangs at 8000"]);
});

Deno.test("hang watch: an answer, or anything else that comes, begins the time anew", () => {
  const scene = new Scene();
  scene.pass(7_500);
  scene.heardCount++;
  scene.pass(7_500);
  scene.heardCount++;
  scene.pass(500);
  assertEquals(scene.log, ["asks at 4000", "asks at 12000"]);
  scene.pass(20_000);
  assertEquals(scene.log.slice(2), ["asks at 20000", "hangs at 24000"]);
});

Deno.test("hang watch: a client that answers each question never hangs", () => {
  const scene = new Scene();
  let answered = 0;
  scene.pass(600_000, () => {
    if (scene.log.length > answered) scene.heardCount = ++answered;
  });
  assertEquals(scene.log.filter((line) => line.startsWith("hangs")), []);
});

Deno.test("hang watch: a client that is not busy is left alone", () => {
  const scene = new Scene();
  scene.busy = false;
  scene.pass(60_000);
  assertEquals(scene.log, []);
  scene.busy = true;
  scene.pass(60_000);
  assertEquals(scene.log, ["asks at 64000", "hangs at 68000"]);
});

Deno.test("hang watch: a client that is stopped does not hang, nor one that has just gone on", () => {
  const scene = new Scene();
  scene.pass(7_000);
  scene.stopped = true;
  scene.pass(60_000);
  scene.stopped = false;
  scene.pass(7_000);
  assertEquals(scene.log, ["asks at 4000", "asks at 71000"]);
});

Deno.test("hang watch: the time in which this process itself did not run does not count", () => {
  const scene = new Scene();
  scene.pass(5_000);
  scene.freeze(60_000);
  assertEquals(scene.log, ["asks at 4000"]);
  scene.pass(7_000);
  assertEquals(scene.log.slice(1), ["asks at 69000"]);
  scene.freeze(2 * LOOK_MS + 1);
  scene.pass(LOOK_MS);
  assertEquals(scene.log.length, 2);
});

Deno.test("hang watch: nothing happens after its end", () => {
  const scene = new Scene();
  scene.pass(5_000);
  scene.watch.stop();
  scene.pass(60_000);
  assertEquals(scene.log, ["asks at 4000"]);
});

/**
 * A simulated machine: processes, services, one time line, and everything that
 * could happen next. Whoever drives it chooses.
 */

import { setImmediate } from "node:timers";
import type { Footprint } from "./explorer.ts";
import type { SimListener } from "./listener.ts";
import { ERROR, type Incoming, type Party } from "./party.ts";
import { SimProcess } from "./process.ts";
import { Timeline } from "./timeline.ts";

/** Something that can happen now, in one process. */
export interface Step {
  /** Names it: the same in every order of what comes before, as far as that does not concern it. */
  readonly label: string;
  /** Where it happens. */
  readonly process: SimProcess;
  /** The first of its inbox, if it is a delivery. */
  readonly party: Party | undefined;
  /** What it is, for people. */
  readonly text: string;
  /** When it became possible, among all that did. */
  readonly order: number;
}

const TIMER = "a timer";

/** The machine. */
export class World {
  readonly timeline = new Timeline();
  readonly services = new Map<string, SimListener>();
  readonly processes: SimProcess[] = [];
  /** Whether a process that is rung finds all that waits for it, not one event alone. */
  drainsAll = false;
  /** Every step that was taken, in words. */
  readonly trace: string[] = [];
  #order = 0;
  #touched = new Map<string, "read" | "write">();
  #dying: { process: SimProcess; sends: number } | undefined;
  /** Messages that were sent in the step of now. */
  #sends = 0;

  /** A new process. */
  process(name: string): SimProcess {
    const process = new SimProcess(this, name);
    this.processes.push(process);
    return process;
  }

  /** A number larger than all before. */
  nextOrder(): number {
    return ++this.#order;
  }

  /** Notes that the step of now depends on `resource`. */
  touch(resource: string, access: "read" | "write"): void {
    if (this.#touched.get(resource) !== "write") {
      this.#touched.set(resource, access);
    }
  }

  /** Asked before each message: a process that is to die between two of them dies here. */
  maySend(process: SimProcess): boolean {
    if (this.#dying?.process === process && this.#sends >= this.#dying.sends) {
      process.end();
    }
    if (process.isDead) return false;
    this.#sends++;
    return true;
  }

  // ---- what can happen ----

  /** Everything that can happen now, the oldest first. */
  steps(): Step[] {
    return this.processes
      .filter(({ isDead }) => !isDead)
      .flatMap((process) => this.#stepsOf(process))
      .sort((a, b) => a.order - b.order);
  }

  #stepsOf(process: SimProcess): Step[] {
    const { name } = process;
    const other = (text: string, order: number): Step => ({
      label: `${name}: ${text}`,
      process,
      party: undefined,
      text,
      order,
    });
    const steps = process.posts.map((posted) => other(posted, 0));
    if (this.timeline.due(process)) steps.push(other(TIMER, Infinity));
    for (const party of process.deliverable) {
      const { event, order } = party.inbox[0]!;
      const label = `${name}: ${party.label}`;
      steps.push({ label, process, party, text: words(event), order });
    }
    return steps;
  }

  /** When the first message that is being delayed may come; `undefined` when none is. */
  get heldUntil(): number | undefined {
    const until = this.processes.flatMap((process) =>
      process.held.map((party) => party.heldUntil)
    );
    return until.length === 0 ? undefined : Math.min(...until);
  }

  /** When something can happen by itself: the next timer, or the end of a delay. `undefined`: never. */
  get wakesAt(): number | undefined {
    const times = [this.heldUntil, this.timeline.nextAt]
      .filter((at) => at !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  // ---- letting it happen ----

  /** Takes a step, and lets run what waits for nothing but a promise. What it touched. */
  async take(step: Step): Promise<Footprint> {
    const { process, party, label, text } = step;
    this.note(`${label} <- ${text}`);
    this.#sends = 0;
    this.#touched = new Map([[process.name, "write"], [label, "write"]]);
    if (party) {
      const also = this.drainsAll ? process.deliverable : [];
      if (this.drainsAll) this.touch(`${process.name}'s inboxes`, "write");
      for (const one of [party, ...also]) {
        if (one !== party) this.note(`${process.name}: ${one.label}, together`);
        this.touch(`${process.name}: ${one.label}`, "write");
        process.deliver(one, this.drainsAll);
      }
      process.ring();
    } else if (text === TIMER) {
      this.timeline.due(process)?.();
    } else {
      process.takePost(text)?.();
    }
    await settled();
    return this.#touched;
  }

  /** As {@link take}; the process dies in it, with `sends` messages sent. */
  async takeDying(step: Step, sends: number): Promise<Footprint> {
    this.#dying = { process: step.process, sends };
    const before = await this.take(step);
    this.#dying = undefined;
    return new Map([...before, ...await this.kill(step.process)]);
  }

  /** How many messages the last step has sent. */
  get sends(): number {
    return this.#sends;
  }

  /** A process dies, as the kernel ends it: no more of it runs, and whoever it talked to hears of it. */
  async kill(process: SimProcess): Promise<Footprint> {
    this.#touched = new Map([[process.name, "write"]]);
    process.end();
    await settled();
    return this.#touched;
  }

  /** Writes something into the trace. */
  note(text: string): void {
    this.trace.push(`${String(this.timeline.now).padStart(8)} ms  ${text}`);
  }

  /** Takes steps, the oldest first, while there are any that `wanted` takes. */
  async run(wanted: (step: Step) => boolean = () => true): Promise<void> {
    for (;;) {
      const step = this.steps().find(wanted);
      if (!step) return;
      await this.take(step);
    }
  }

  /** Runs on, by itself, until `ended`; time moves too, as far as it must. */
  async runUntil(ended: () => boolean, until: number): Promise<boolean> {
    for (;;) {
      const [step] = this.steps();
      if (step) {
        await this.take(step);
      } else if (ended()) {
        return true;
      } else {
        const at = this.wakesAt;
        if (at === undefined || at > until) return false;
        this.timeline.moveTo(at);
      }
    }
  }
}

/** Resolves when nothing runs any more but what waits for the machine: every promise that could be settled is. */
export function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

function words(event: Incoming): string {
  switch (event.kind) {
    case "message":
      return event.parcel.text + (event.replyTo ? "?" : "");
    case "answer":
      return event.parcel
        ? `answer ${event.request} ${event.parcel.text}`
        : `answer ${event.request} lost`;
    case "peer":
      return "a new peer";
    case "error":
      return event.detail === ERROR.interrupted ? "interrupted" : "invalid";
    case "end":
      return event.listenerGone ? "the listener is gone" : "the other hung up";
  }
}

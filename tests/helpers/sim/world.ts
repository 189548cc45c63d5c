/**
 * A simulated machine: processes, services, one time line, and the steps that
 * can happen next. The test chooses among the steps.
 */

import { setImmediate } from "node:timers";
import type { Footprint } from "./explorer.ts";
import {
  ERROR,
  type Incoming,
  type Party,
  type PartyProcess,
} from "./party.ts";
import { type ProcessWorld, SimProcess } from "./process.ts";
import { Timeline } from "./timeline.ts";

/** A step that can happen now, in one process. */
export interface Step {
  /** Its name. It does not depend on the order of unrelated steps before it. */
  readonly label: string;
  /** Where it happens. */
  readonly process: SimProcess;
  /** The party that gets an event, if the step is a delivery. */
  readonly party: Party | undefined;
  /** A description. */
  readonly text: string;
  /** Its place in the order in which steps became possible. */
  readonly order: number;
}

const TIMER = "a timer";

/** The machine. */
export class World implements ProcessWorld {
  readonly timeline = new Timeline();
  readonly services = new Map<string, Party>();
  readonly processes: SimProcess[] = [];
  /** Whether a process drains all its waiting events at once, instead of one. */
  drainsAll = false;
  /** Every step that was taken, as text. */
  readonly trace: string[] = [];
  #order = 0;
  #touched = new Map<string, "read" | "write">();
  #dying: { process: SimProcess; sends: number } | undefined;
  /** The number of messages sent in the current step. */
  #sends = 0;

  /** Makes a process. */
  process(name: string): SimProcess {
    const process = new SimProcess(this, name);
    this.processes.push(process);
    return process;
  }

  /** Returns a number larger than all before. */
  nextOrder(): number {
    return ++this.#order;
  }

  /** Notes that the current step depends on `resource`. */
  touch(resource: string, access: "read" | "write"): void {
    if (this.#touched.get(resource) !== "write") {
      this.#touched.set(resource, access);
    }
  }

  /** Called before each message; returns whether it may be sent. Kills a process that is to die between two messages. */
  maySend(process: PartyProcess): boolean {
    const dying = this.#dying;
    if (dying?.process === process && this.#sends >= dying.sends) {
      dying.process.end();
    }
    if (process.isDead) return false;
    this.#sends++;
    return true;
  }

  // ---- what can happen ----

  /** Returns the steps that can happen now, the oldest first. */
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

  /** The time at which the first delayed message may come; `undefined` if none is delayed. */
  get heldUntil(): number | undefined {
    const until = this.processes.flatMap((process) =>
      process.held.map((party) => party.heldUntil)
    );
    return until.length === 0 ? undefined : Math.min(...until);
  }

  /** The time of the next timer or end of a delay; `undefined` if there is none. */
  get wakesAt(): number | undefined {
    const times = [this.heldUntil, this.timeline.nextAt]
      .filter((at) => at !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  // ---- letting it happen ----

  /** Takes a step, and runs all promises that can settle. Returns what the step touched. */
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
        for (
          const { resource } of this.drainsAll
            ? one.inbox
            : one.inbox.slice(0, 1)
        ) {
          this.touch(resource, "read");
        }
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

  /** Takes a step in which the process dies after `sends` messages. */
  async takeDying(step: Step, sends: number): Promise<Footprint> {
    this.#dying = { process: step.process, sends };
    const before = await this.take(step);
    this.#dying = undefined;
    return new Map([...before, ...await this.kill(step.process)]);
  }

  /** The number of messages that the last step has sent. */
  get sends(): number {
    return this.#sends;
  }

  /** Kills a process as the kernel does: no more of its code runs, and its connections end. */
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

  /** Takes steps, the oldest first, while `wanted` accepts one. */
  async run(wanted: (step: Step) => boolean = () => true): Promise<void> {
    for (;;) {
      const step = this.steps().find(wanted);
      if (!step) return;
      await this.take(step);
    }
  }

  /** Takes steps until `ended`, and moves the time when no step is left, up to `until`. Returns whether it has ended. */
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

/** Resolves when every promise that can settle without a step of the machine has settled. */
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

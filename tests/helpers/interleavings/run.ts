/**
 * One run of a handshake on a simulated machine. The scheduler chooses among the
 * possible next steps and the possible faults; a run has one fault, or two.
 */

import type { HostPhase } from "../../../proto/states/handshake.ts";
import type { Footprint, Run } from "../sim/explorer.ts";
import type { SimProcess } from "../sim/process.ts";
import { type Step, World } from "../sim/world.ts";
import { BrokerActor, HostActor, type HostSetting, SERVICE } from "./actors.ts";

/** The kinds of fault. */
type FaultKind = "death" | "delay" | "duplicate";

/** A scenario: how the host is launched, and which faults can happen. */
export interface Scenario extends HostSetting {
  readonly faults: readonly FaultKind[];
  /** The number of faults in one run. Default: 1. */
  readonly maxFaults?: number;
  /** No fault is later than this, in virtual milliseconds: a side that only repeats its request does not change. */
  readonly faultsUntilMs?: number;
  /** The roles that may die. Default: all. */
  readonly deaths?: readonly Role[];
  /** How long a message is delayed, in milliseconds; "timer": until the next timer has fired. */
  readonly delays?: readonly (number | "timer")[];
  /** The times after which a dead broker is back, in milliseconds. */
  readonly brokerBackMs?: readonly (number | "never")[];
  /** Whether every order is run after the fault too, or only the order in which the oldest event is first. */
  readonly everyOrderAfter?: boolean;
  /** Whether a process drains all its waiting events at once, or one at a time. */
  readonly drainsAll?: boolean;
  /** The number of messages that a step sends, by its text: a process can die between two of them. */
  readonly sends?: ReadonlyMap<string, number>;
}

/** The roles that a fault can hit. */
type Role = "host" | "client" | "broker";

/** A fault that happened. */
export interface Fault {
  readonly kind: FaultKind;
  readonly role: Role;
  /** The role that died, or that the message was for. */
  readonly process: SimProcess;
  /** Its time, in virtual milliseconds. */
  readonly at: number;
  /** The scheduler's choice. */
  readonly label: string;
  /** The host's phase at that time. */
  readonly phase: HostPhase;
  /** Whether the host had not had an answer from the broker yet. */
  readonly firstContact: boolean;
  /** The time after which the dead broker comes back, in milliseconds. */
  readonly backMs?: number;
}

interface Choice {
  readonly label: string;
  /** The fault, if this choice is one. */
  readonly isFault?: true;
  /** See {@link Run.foreseen}. */
  readonly foreseen?: Footprint;
  take(): Promise<Footprint>;
}

/** The virtual time by which every run must be decided, in milliseconds: a client that no host has started gives up after 300 s. */
const LIMIT_MS = 310_000;
const FAULT = "the fault";
const TIME = "time";

/** A handshake that is running. */
export class HandshakeRun implements Run {
  readonly world = new World();
  readonly brokers: BrokerActor[] = [];
  readonly scenario: Scenario;
  host!: HostActor;
  /** The faults so far, in order. */
  readonly faults: Fault[] = [];
  /** The state of all parties, if no step was left and the run was not decided; else "". */
  stuck: string | undefined;
  /** The largest number of messages that each step has sent. */
  readonly sends = new Map<string, number>();
  #brokerBackAt: number | undefined;
  #isOver = false;
  /** Whether the time was moved for the current choices. */
  #hasTimeMoved = false;
  /** The current choices. */
  #offered: readonly Choice[] = [];

  private constructor(scenario: Scenario) {
    this.scenario = scenario;
  }

  /** Makes a machine with a broker that serves, and a host that was just launched. */
  static async start(scenario: Scenario): Promise<HandshakeRun> {
    const run = new HandshakeRun(scenario);
    run.brokers.push(await BrokerActor.start(run.world, "broker"));
    run.world.drainsAll = scenario.drainsAll ?? false;
    run.host = new HostActor(run.world, scenario);
    return run;
  }

  /** The current broker. */
  get broker(): BrokerActor {
    return this.brokers.at(-1)!;
  }

  // ---- choosing ----

  choices(): readonly string[] {
    this.#hasTimeMoved = false;
    this.#offered = this.#choices();
    return this.#offered.map(({ label }) => label);
  }

  async take(label: string): Promise<Footprint> {
    const choice = this.#offered.find((one) => one.label === label);
    if (!choice) {
      throw new Error(`Cannot choose '${label}': it is not possible`);
    }
    // A fault before a step differs from the same fault after it, even with no other step in between.
    const moved = this.#hasTimeMoved && this.#canGoWrong;
    const footprint = await choice.take();
    return moved ? new Map([...footprint, [TIME, "write"]]) : footprint;
  }

  get hasWaited(): boolean {
    return this.#hasTimeMoved;
  }

  /** Whether this label, one of the last {@link choices}, is a fault. */
  isFault(label: string): boolean {
    return this.#offered.some((one) => one.label === label && one.isFault);
  }

  foreseen(label: string): Footprint | undefined {
    const { everyOrderAfter, maxFaults = 1 } = this.scenario;
    const isLast = this.faults.length === maxFaults - 1;
    // Every fault conflicts with a step for which the time was moved.
    if (everyOrderAfter || !isLast || this.#hasTimeMoved) return undefined;
    return this.#offered.find((one) => one.label === label)?.foreseen;
  }

  /** Returns the possible next steps. Moves the time if there are none. */
  #choices(): Choice[] {
    const { world } = this;
    for (;;) {
      if (this.#isOver || this.stuck !== undefined) return [];
      const steps = world.steps();
      const choices = steps.map((step): Choice => ({
        label: step.label,
        take: () => this.#step(step),
      }));
      if (
        this.#brokerBackAt !== undefined &&
        this.#brokerBackAt <= world.timeline.now
      ) {
        choices.unshift({
          label: "the broker is back",
          take: () => this.#brokerBack(),
        });
      }
      if (choices.length > 0) {
        const one = this.faults.length > 0 && !this.scenario.everyOrderAfter;
        return [
          ...(one ? choices.slice(0, 1) : choices),
          ...this.#possibleFaults(steps),
        ];
      }
      if (this.isSettled) {
        const faults = this.#possibleFaults([]);
        if (faults.length === 0) return [];
        return [{ label: "no fault", take: () => this.#noFault() }, ...faults];
      }
      const wakes = [world.wakesAt, this.#brokerBackAt]
        .filter((one) => one !== undefined);
      if (wakes.length === 0 || Math.min(...wakes) > LIMIT_MS) {
        this.stuck = this.describe();
      } else {
        world.timeline.moveTo(Math.min(...wakes));
        this.#hasTimeMoved = true;
      }
    }
  }

  get #canGoWrong(): boolean {
    const { maxFaults = 1, faultsUntilMs = Infinity } = this.scenario;
    return this.faults.length < maxFaults &&
      this.world.timeline.now <= faultsUntilMs;
  }

  /** Returns the possible faults: deaths of processes, and delays and repetitions of messages. */
  #possibleFaults(steps: readonly Step[]): Choice[] {
    if (!this.#canGoWrong) return [];
    const { faults } = this.scenario;
    const choices: Choice[] = [];
    if (faults.includes("death")) choices.push(...this.#deaths(steps));
    for (const step of steps) {
      if (!step.party) continue;
      if (faults.includes("duplicate") && step.party.isRepeatable) {
        choices.push(this.#duplicate(step));
      }
      if (faults.includes("delay")) choices.push(...this.#delays(step));
    }
    return choices;
  }

  #deaths(steps: readonly Step[]): Choice[] {
    const choices: Choice[] = [];
    for (const process of this.world.processes) {
      if (process.isDead || !this.#isMortal(process)) continue;
      const backs = process === this.broker.process
        ? this.scenario.brokerBackMs ?? ["never"]
        : ["never" as const];
      for (const back of backs) {
        const how = back === "never" ? "" : `, back in ${back} ms`;
        choices.push(this.#death(`${process.name} dies${how}`, process, back));
      }
    }
    for (const step of steps) {
      if (!this.#isMortal(step.process)) continue;
      const sends = this.scenario.sends?.get(`${step.label} <- ${step.text}`) ??
        0;
      for (let sent = 1; sent < sends; sent++) {
        const label =
          `${step.process.name} dies at '${step.label}', ${sent} of ${sends} sent`;
        choices.push(this.#death(label, step.process, "never", step, sent));
      }
    }
    return choices;
  }

  #isMortal(process: SimProcess): boolean {
    return this.scenario.deaths?.includes(roleOf(process)) ?? true;
  }

  #death(
    label: string,
    process: SimProcess,
    back: number | "never",
    step?: Step,
    sent = 0,
  ): Choice {
    // The exit of a client, and a broker that is back at once, lead to steps that come first.
    const isForeseen = !step && roleOf(process) !== "client" && back !== 0;
    return {
      label,
      isFault: true,
      ...(isForeseen && {
        foreseen: new Map([
          ...process.touchedByEnd(),
          [FAULT, "write"],
          [TIME, "read"],
        ]),
      }),
      take: async () => {
        const backMs = back === "never" ? undefined : back;
        this.#happens("death", process, label, backMs);
        const footprint =
          await (step
            ? this.world.takeDying(step, sent)
            : this.world.kill(process));
        if (backMs !== undefined) {
          this.#brokerBackAt = this.world.timeline.now + backMs;
        }
        return new Map([...footprint, [FAULT, "write"], [TIME, "read"]]);
      },
    };
  }

  #duplicate({ label, process, party, text }: Step): Choice {
    const name = `${label} <- ${text} twice`;
    const touched = this.#touched(label);
    return {
      label: name,
      isFault: true,
      foreseen: touched,
      take: () => {
        this.#happens("duplicate", process, name);
        party!.duplicateFirst();
        return Promise.resolve(touched);
      },
    };
  }

  #delays({ label, process, party, text }: Step): Choice[] {
    const { timeline } = this.world;
    const touched = this.#touched(label);
    return (this.scenario.delays ?? ["timer"]).map((ms) => {
      const until = ms === "timer" ? timeline.nextAt : timeline.now + ms;
      const name = `${label} <- ${text} waits ${
        ms === "timer" ? "for a timer" : `${ms} ms`
      }`;
      return {
        label: name,
        isFault: true,
        foreseen: touched,
        take: () => {
          this.#happens("delay", process, name);
          party!.heldUntil = (until ?? timeline.now) + 0.5;
          return Promise.resolve(touched);
        },
      };
    });
  }

  /** A fault of one message touches nothing else until the message is delivered. */
  #touched(label: string): Footprint {
    return new Map([[label, "write"], [FAULT, "write"], [TIME, "read"]]);
  }

  #happens(
    kind: FaultKind,
    process: SimProcess,
    label: string,
    backMs?: number,
  ): void {
    const { bridge } = this.host.supervisor;
    this.faults.push({
      kind,
      process,
      label,
      role: roleOf(process),
      at: this.world.timeline.now,
      phase: bridge.phase,
      firstContact: bridge.brokerService === "",
      ...(backMs !== undefined && { backMs }),
    });
    this.world.note(`*** ${label}`);
  }

  #noFault(): Promise<Footprint> {
    this.#isOver = true;
    return Promise.resolve(new Map([[FAULT, "write"]]));
  }

  async #step(step: Step): Promise<Footprint> {
    const footprint = await this.world.take(step);
    const words = `${step.label} <- ${step.text}`;
    const { sends } = this.world;
    this.sends.set(words, Math.max(sends, this.sends.get(words) ?? 0));
    return footprint;
  }

  async #brokerBack(): Promise<Footprint> {
    this.#brokerBackAt = undefined;
    const name = `broker ${this.brokers.length + 1}`;
    this.world.note(`${name} starts`);
    this.brokers.push(await BrokerActor.start(this.world, name));
    return new Map([[`service ${SERVICE}`, "write"]]);
  }

  // ---- where it stands ----

  /** Whether the run is decided: every party is dead, has ended, or is running. */
  get isSettled(): boolean {
    const { host, world } = this;
    if (this.#brokerBackAt !== undefined || world.heldUntil !== undefined) {
      return false;
    }
    const { client } = host;
    if (host.process.isDead || host.outcome) {
      return host.clients.every(({ process }) => process.isDead);
    }
    return host.supervisor.bridge.phase === "open" &&
      client?.state === "running" && !client.process.isDead;
  }

  /** Describes the state of all parties. */
  describe(): string {
    const { host } = this;
    const over = host.outcome &&
      `over${host.outcome.failure ? `: ${host.outcome.failure.message}` : ""}`;
    return [
      `host ${
        host.process.isDead ? "dead" : over ?? host.supervisor.bridge.phase
      }`,
      ...host.clients.map(({ process, state, failure }) =>
        `${process.name} ${process.isDead ? "dead" : state}${
          failure ? ` (${failure.message})` : ""
        }`
      ),
    ].join("; ");
  }

  /** Takes the choices of `path`, then always the first one. */
  async follow(path: readonly string[]): Promise<void> {
    const left = [...path];
    for (;;) {
      const choices = this.choices();
      if (choices.length === 0) return;
      await this.take(left.shift() ?? choices[0]!);
    }
  }
}

function roleOf({ name }: SimProcess): Role {
  return name.split(" ")[0] as Role;
}

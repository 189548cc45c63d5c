/**
 * One run of a handshake on a simulated machine. What the scheduler can choose
 * from is what can happen next, and what can go wrong, once in a run or twice.
 */

import type { HostPhase } from "../../../proto/states/handshake.ts";
import type { Footprint, Run } from "../sim/explorer.ts";
import type { SimProcess } from "../sim/process.ts";
import { type Step, World } from "../sim/world.ts";
import { BrokerActor, HostActor, type HostSetting, SERVICE } from "./actors.ts";

/** What can go wrong. */
export type FaultKind = "death" | "delay" | "duplicate";

/** A way to run: how the host is launched, and what can go wrong. */
export interface Scenario extends HostSetting {
  readonly faults: readonly FaultKind[];
  /** How many things can go wrong in one run; 1, if not said. */
  readonly maxFaults?: number;
  /** Nothing goes wrong later than this, in virtual milliseconds: a side that only asks again and again is as it was. */
  readonly faultsUntilMs?: number;
  /** Who may die; everyone, if not said. */
  readonly deaths?: readonly Role[];
  /** How long a delay holds a message, in milliseconds; "timer": until the next timer has rung. */
  readonly delays?: readonly (number | "timer")[];
  /** When a broker that died is back, in milliseconds. */
  readonly brokerBackMs?: readonly (number | "never")[];
  /** Whether every order is run through after the fault too, or only the one in which the oldest event is first. */
  readonly everyOrderAfter?: boolean;
  /** Whether a process drains all that waits for it at once, or one event at a time. */
  readonly drainsAll?: boolean;
  /** How many messages a step sends, by its words: a process can die between two of them. */
  readonly sends?: ReadonlyMap<string, number>;
}

/** Whom a fault can hit. */
export type Role = "host" | "client" | "broker";

/** What went wrong. */
export interface Fault {
  readonly kind: FaultKind;
  readonly role: Role;
  /** Whose death, or to whom the message went. */
  readonly process: SimProcess;
  /** In virtual milliseconds. */
  readonly at: number;
  /** The scheduler's choice. */
  readonly label: string;
  /** How far the host was. */
  readonly phase: HostPhase;
  /** Whether the host had not had a word from the broker. */
  readonly firstContact: boolean;
  /** When a broker that died is to be back, in milliseconds. */
  readonly backMs?: number;
}

interface Choice {
  readonly label: string;
  /** Set where something goes wrong by this choice. */
  readonly isFault?: true;
  take(): Promise<Footprint>;
}

/** Virtual time after which nothing may still be undecided, in milliseconds: a client that nobody has started gives up after 300 s. */
const LIMIT_MS = 310_000;
const FAULT = "the fault";
const TIME = "time";

/** A handshake under way. */
export class HandshakeRun implements Run {
  readonly world = new World();
  readonly brokers: BrokerActor[] = [];
  readonly scenario: Scenario;
  host!: HostActor;
  /** What has gone wrong, in its order. */
  readonly faults: Fault[] = [];
  /** How everyone was when nothing could happen any more, though not all was decided. */
  stuck: string | undefined;
  /** The most messages that each step has sent. */
  readonly sends = new Map<string, number>();
  #brokerBackAt: number | undefined;
  #isOver = false;
  /** Whether time had to move on for what can be chosen now. */
  #hasTimeMoved = false;
  /** What can be chosen now. */
  #offered: readonly Choice[] = [];

  private constructor(scenario: Scenario) {
    this.scenario = scenario;
  }

  /** A machine with a broker that serves, and a host that has just been launched. */
  static async start(scenario: Scenario): Promise<HandshakeRun> {
    const run = new HandshakeRun(scenario);
    run.brokers.push(await BrokerActor.start(run.world, "broker"));
    run.world.drainsAll = scenario.drainsAll ?? false;
    run.host = new HostActor(run.world, scenario);
    return run;
  }

  /** The broker of now. */
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
    // A fault before it is another than the same one after it, though nobody else is in between.
    const moved = this.#hasTimeMoved && this.#canGoWrong;
    const footprint = await choice.take();
    return moved ? new Map([...footprint, [TIME, "write"]]) : footprint;
  }

  /** Whether this label, one of the last {@link choices}, is a fault. */
  isFault(label: string): boolean {
    return this.#offered.some((one) => one.label === label && one.isFault);
  }

  /** What can happen next; time moves on where nothing else does. */
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

  /** Everyone's deaths, and what can happen to the messages on their way. */
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
    return {
      label,
      isFault: true,
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
    return {
      label: name,
      isFault: true,
      take: () => {
        this.#happens("duplicate", process, name);
        party!.duplicateFirst();
        return Promise.resolve(this.#touched(label));
      },
    };
  }

  #delays({ label, process, party, text }: Step): Choice[] {
    const { timeline } = this.world;
    return (this.scenario.delays ?? ["timer"]).map((ms) => {
      const until = ms === "timer" ? timeline.nextAt : timeline.now + ms;
      const name = `${label} <- ${text} waits ${
        ms === "timer" ? "for a timer" : `${ms} ms`
      }`;
      return {
        label: name,
        isFault: true,
        take: () => {
          this.#happens("delay", process, name);
          party!.heldUntil = (until ?? timeline.now) + 0.5;
          return Promise.resolve(this.#touched(label));
        },
      };
    });
  }

  /** What happens to one message is nobody's matter until it is delivered. */
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

  /** Whether nothing more is to be expected: everyone is dead, over, or at work. */
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

  /** How everyone is, in words. */
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

  /** Takes the choices of `path`; where there are none left, the first that is there. */
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

/**
 * The twelve steps of the handshake as moments for faults, and the faults.
 */

import { Prng } from "../helpers/prng.ts";
import { PATIENCE_MS } from "../helpers/soon.ts";

/** The parties. */
export type Role = "host" | "client" | "broker";

/** The moments, in their natural order. */
export const MOMENTS = [
  { step: 1, name: "allocate", by: "host" },
  { step: 2, name: "endpoint", by: "host" },
  { step: 3, name: "store_endpoint", by: "host" },
  { step: 4, name: "reply to store_endpoint", by: "broker" },
  { step: 5, name: "spawn", by: "host" },
  { step: 6, name: "get_schema", by: "client" },
  { step: 7, name: "get_endpoint", by: "client" },
  { step: 8, name: "reply to get_endpoint", by: "broker" },
  { step: 9, name: "hello", by: "client" },
  { step: 10, name: "ping", by: "host" },
  { step: 11, name: "pong", by: "client" },
  { step: 12, name: "acked", by: "host" },
  { step: 12, name: "acked", by: "client" },
] as const satisfies readonly { step: number; name: string; by: Role }[];

/** One of {@link MOMENTS}. */
export type Moment = typeof MOMENTS[number];

/** Right before the message is sent, or right after. */
export type When = "before" | "after";

/** What one process does at a moment, the first time that it reaches it. */
export interface Fault {
  readonly at: Moment["name"];
  readonly when: When;
  /** Blocks the whole thread until this file exists, */
  readonly until?: string;
  /** then sends this signal, */
  readonly signal?: "SIGKILL" | "SIGSTOP";
  /** to this process. Default: itself. */
  readonly to?: number;
  /** The file into which it writes the time, in epoch milliseconds: when it begins to block, and right before the signal. */
  readonly mark: string;
}

/** The plan of one process. */
export interface Plan {
  readonly fault?: Fault;
  /** Seeds small delays before the messages of the handshake. */
  readonly jitter?: number;
}

/** The hooks of one process. */
export interface Hooks {
  /** Called at every one of its moments. */
  at(name: string, when: When): void;
  /** Called for each message that it gets. */
  heard?(name: string): void;
}

const MAX_JITTER_MS = 6;
/** The interval between two checks for a file. */
const LOOK_MS = 5;
const NAMES: ReadonlySet<string> = new Set(MOMENTS.map(({ name }) => name));

/**
 * The hooks that carry out a plan.
 *
 * @param victim the process that gets the signal, if the plan does not name it
 */
export function carryOut(
  { fault, jitter }: Plan,
  victim?: () => number,
): Hooks {
  const prng = jitter === undefined ? undefined : new Prng(jitter);
  let armed = fault;
  return {
    at(name, when) {
      if (prng && when === "before" && NAMES.has(name)) {
        standStill(prng.below(MAX_JITTER_MS));
      }
      if (armed?.at !== name || armed.when !== when) return;
      const { mark, signal, until } = armed;
      const to = victim?.() ?? armed.to ?? Deno.pid;
      armed = undefined;
      const writeMark = () => Deno.writeTextFileSync(mark, `${Date.now()}`);
      writeMark();
      if (until !== undefined) {
        standStillUntil(until);
        writeMark();
      }
      if (signal !== undefined) Deno.kill(to, signal);
    },
  };
}

/** Blocks the thread for some milliseconds. */
function standStill(ms: number): void {
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function standStillUntil(file: string): void {
  const deadline = performance.now() + PATIENCE_MS;
  while (!exists(file)) {
    if (performance.now() > deadline) throw new Error(`${file} never came`);
    standStill(LOOK_MS);
  }
}

/** Whether a file exists. */
export function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The environment variable with a process's plan. */
export const PLAN = "FAULTS_PLAN";

/** This process's own plan. */
export function ownPlan(): Plan {
  return JSON.parse(Deno.env.get(PLAN) ?? "{}") as Plan;
}

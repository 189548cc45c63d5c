/**
 * What the bench measures: subjects, in groups. The subjects of a group are compared
 * with each other, so their rounds are interleaved.
 */

/** How much is measured: everything, or what takes less than two minutes together. */
export type Extent = "full" | "quick";

/** The unit of a value. For `1/s` more is better, for all others less. */
export type Unit = "us" | "ms" | "1/s" | "KiB" | "B" | "%" | "count";

/** The result of one round. */
export interface Round {
  /** The measured values, in any order. */
  readonly samples: ArrayLike<number>;
  /** On which cores it ran, if that is known. */
  readonly placement?: string;
}

/** Something that is started and can be measured. */
export interface Subject extends AsyncDisposable {
  /** Measures once. */
  round(): Promise<Round>;
}

/** Why something cannot be measured on this machine, or with this version. */
export class NotHere {
  /** Completes "not measurable here: ". */
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Something that can be started. */
export interface SubjectPlan {
  /** The name, unique in the bench. */
  readonly name: string;
  readonly unit: Unit;
  /** The least extent that it belongs to. Default: `quick`. */
  readonly extent?: Extent;
  /** Starts it, and does what only the first measurement of a process needs. */
  start(extent: Extent): Promise<Subject | NotHere>;
}

/** Subjects that are compared with each other. */
export interface Group {
  /** The name, unique in the bench. */
  readonly name: string;
  /** The number of rounds of each subject. */
  readonly rounds: Readonly<Record<Extent, number>>;
  /** For how long each subject makes rounds that do not count, before the first that does: V8 compiles what runs often, on other threads, and takes seconds for it. In milliseconds. Default: 0. */
  readonly warmUpMs?: Readonly<Record<Extent, number>>;
  readonly plans: readonly SubjectPlan[];
}

/** A subject without anything to release. */
export function stateless(round: () => Promise<Round>): Subject {
  return { round, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** Whether more of a unit is better. */
export function isRate(unit: Unit): boolean {
  return unit === "1/s";
}

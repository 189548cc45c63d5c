/**
 * The probe, a program with ffi beside this one, and what it reports.
 *
 * @module
 */

import {
  HOLD_MS,
  type ProbeStep,
  STEP_DEADLINES,
  type StepFailure,
  type StepLine,
  type StepReport,
} from "./probe/steps.ts";
import type { Console } from "../terminal/console.ts";
import { argumentsFor, probeProgram } from "../own_programs.ts";

const STEPS = Object.keys(STEP_DEADLINES) as ProbeStep[];
/** To start, and to end. */
const SPARE_MS = 10_000;
const ALL_MS = Object.values(STEP_DEADLINES).reduce((sum, ms) => sum + ms) +
  HOLD_MS + SPARE_MS;

/** A probe under way. */
export class Probe {
  readonly #reports = new Map<ProbeStep, PromiseWithResolvers<unknown>>(
    STEPS.map((step) => [step, Promise.withResolvers()]),
  );
  readonly #looked = Promise.withResolvers<void>();
  /** Resolves when it has ended, by itself or at its deadline. */
  readonly ended: Promise<void>;

  /**
   * Starts one.
   *
   * @param home where the package's shim is kept, below
   */
  constructor(console: Console, home: string) {
    this.ended = this.#run(console, home);
  }

  /** What became of a step, once it is known. */
  async step<S extends ProbeStep>(step: S): Promise<StepReport<S>> {
    return await this.#reports.get(step)!.promise as StepReport<S>;
  }

  /** Nobody looks at the connection any more: the probe takes it down. */
  release(): void {
    this.#looked.resolve();
  }

  async #run(console: Console, home: string): Promise<void> {
    const deno = Deno.execPath();
    let begun = ""; // of a line whose end has not come
    let words: string;
    try {
      const ran = await console.runProgram(
        deno,
        argumentsFor(probeProgram(home, deno)),
        {
          timeoutMs: ALL_MS,
          stdinUntil: this.#looked.promise,
          onStdout: (text) => {
            const lines = (begun + text).split("\n");
            begun = lines.pop()!;
            for (const line of lines) this.#take(line);
          },
        },
      );
      words = ran === undefined
        ? `there is no program ${deno}`
        : `it ended with code ${ran.code}: ${ran.stderr.trim()}`;
    } catch (error) {
      words = (error as Error).message;
    }
    const failure: StepFailure = {
      code: "probe_ended",
      message: `The probe did not come to this: ${words}`,
    };
    for (const report of this.#reports.values()) report.resolve({ failure });
  }

  #take(text: string): void {
    let line: StepLine;
    try {
      line = JSON.parse(text);
    } catch {
      return; // nothing of the probe's own
    }
    this.#reports.get(line.step)?.resolve(line);
  }
}

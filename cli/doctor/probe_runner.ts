/**
 * Runs the probe, a program with ffi in its own process, and collects what it
 * reports.
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
/** For its start and its end. */
const SPARE_MS = 10_000;
const ALL_MS = Object.values(STEP_DEADLINES).reduce((sum, ms) => sum + ms) +
  HOLD_MS + SPARE_MS;

/** A probe that runs. */
export class Probe {
  readonly #reports = new Map<ProbeStep, PromiseWithResolvers<unknown>>(
    STEPS.map((step) => [step, Promise.withResolvers()]),
  );
  readonly #looked = Promise.withResolvers<void>();
  /** Resolves when the probe has ended, by itself or at its deadline. */
  readonly ended: Promise<void>;

  /**
   * Starts the probe.
   */
  constructor(console: Console) {
    this.ended = this.#run(console);
  }

  /** The report of a step, once there is one. */
  async step<S extends ProbeStep>(step: S): Promise<StepReport<S>> {
    return await this.#reports.get(step)!.promise as StepReport<S>;
  }

  /** Tells the probe to close its connection: no link needs it any more. */
  release(): void {
    this.#looked.resolve();
  }

  async #run(console: Console): Promise<void> {
    const deno = Deno.execPath();
    let begun = ""; // a line that is not complete yet
    let words: string;
    try {
      const ran = await console.runProgram(
        deno,
        argumentsFor(probeProgram(deno)),
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
      message: `The probe ended before this step: ${words}`,
    };
    for (const report of this.#reports.values()) report.resolve({ failure });
  }

  #take(text: string): void {
    let line: StepLine;
    try {
      line = JSON.parse(text);
    } catch {
      return; // not a line of the probe's own
    }
    this.#reports.get(line.step)?.resolve(line);
  }
}

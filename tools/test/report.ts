/** The output of a run: its progress, and a summary at its end. */

import type { PlannedPart } from "./parts.ts";
import type { Outcome, Step } from "./step.ts";

/** Prints a line. */
export function printLine(text: string): void {
  const bytes = new TextEncoder().encode(`${text}\n`);
  for (let at = 0; at < bytes.length;) {
    at += Deno.stdout.writeSync(bytes.subarray(at));
  }
}

/** The interval of progress lines where the output is not a terminal. */
const STILL_MS = 30_000;
const LIVE_MS = 1_000;
/** Erases the progress line. */
const ERASE = "\r\x1b[K";

function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Options of the report. */
interface ReportOptions {
  /** The parts that this run leaves out. */
  readonly leftOut: readonly string[];
  /** Whether all steps of each part run, so that times can be compared with budgets. */
  readonly timed: boolean;
}

/** Reports on a run. */
export class Report {
  readonly #parts: readonly PlannedPart[];
  readonly #options: ReportOptions;
  readonly #steps: number;
  readonly #live = Deno.stdout.isTerminal();
  readonly #startedAt = performance.now();
  readonly #running = new Set<Step>();
  readonly #outcomes = new Map<Step, Outcome>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(
    parts: readonly PlannedPart[],
    options: ReportOptions,
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#steps = parts.reduce((sum, { steps }) => sum + steps.length, 0);
    this.#timer = setInterval(
      () => this.#progress(),
      this.#live ? LIVE_MS : STILL_MS,
    );
  }

  /** To be called when a step begins. */
  started(step: Step): void {
    this.#running.add(step);
    if (this.#live) this.#progress();
  }

  /** To be called when a step has ended. If it failed, its output is shown. */
  ended(step: Step, outcome: Outcome): void {
    this.#running.delete(step);
    this.#outcomes.set(step, outcome);
    const { tally, failure, seconds } = outcome;
    this.#line(
      `${failure === undefined ? "ok    " : "FAILED"} ${step.name.padEnd(44)} ${
        counts(tally).padEnd(30)
      } ${clock(seconds)}`,
    );
    if (failure !== undefined) this.#line(`${failure}\n`);
    if (this.#live) this.#progress();
  }

  /** Prints the summary. Returns the exit status of the run. */
  close(interruptedBy: unknown): number {
    clearInterval(this.#timer);
    this.#line("");
    if (this.#options.timed) this.#sayTimes();
    this.#sayIgnored();
    const outcomes = [...this.#outcomes];
    const failed = outcomes.filter(([, { failure }]) => failure !== undefined);
    for (const [{ name }] of failed) printLine(`FAILED ${name}`);
    if (interruptedBy !== undefined) {
      printLine(
        `Ended by ${interruptedBy}; ${
          this.#steps - outcomes.length
        } of ${this.#steps} commands had not run.`,
      );
    }
    const sum = (kind: "passed" | "failed" | "ignored"): number =>
      outcomes.reduce((before, [, { tally }]) => before + tally[kind], 0);
    // A step that left processes behind counts as failed, even if all its tests passed.
    const bad = Math.max(sum("failed"), failed.length);
    printLine(
      `${sum("passed")} passed, ${bad} failed, ${sum("ignored")} skipped`,
    );
    if (interruptedBy !== undefined) return 130;
    return bad > 0 || sum("passed") === 0 ? 1 : 0;
  }

  #progress(): void {
    const elapsed = (performance.now() - this.#startedAt) / 1000;
    const names = [...this.#running].map(({ name }) => name).join(", ");
    const text = `… ${
      clock(elapsed)
    }  ${this.#outcomes.size} of ${this.#steps}  ${names}`;
    if (!this.#live) return printLine(text);
    const { columns } = Deno.consoleSize();
    Deno.stdout.writeSync(
      new TextEncoder().encode(`${ERASE}${text.slice(0, columns - 1)}`),
    );
  }

  #line(text: string): void {
    printLine(`${this.#live ? ERASE : ""}${text}`);
  }

  /** Prints the time of each part, and its budget on two idle cores. */
  #sayTimes(): void {
    printLine(
      `${"part".padEnd(20)}${"took".padStart(8)}${"budget".padStart(8)}`,
    );
    for (const { name, budgetSecs, steps } of this.#parts) {
      const took = steps.reduce(
        (sum, step) => sum + (this.#outcomes.get(step)?.seconds ?? 0),
        0,
      );
      const over = took > budgetSecs ? "  over" : "";
      printLine(
        `${name.padEnd(20)}${clock(took).padStart(8)}${
          clock(budgetSecs).padStart(8)
        }${over}`,
      );
    }
    const whole = (performance.now() - this.#startedAt) / 1000;
    printLine(`${"in all".padEnd(20)}${clock(whole).padStart(8)}\n`);
  }

  /** Prints what was not run, with the reasons. */
  #sayIgnored(): void {
    const ignored = [...this.#outcomes.values()].flatMap(({ ignored }) =>
      ignored
    );
    if (ignored.length > 0) printLine("Skipped:");
    for (const name of ignored) printLine(`  ${name}`);
    const { leftOut } = this.#options;
    if (leftOut.length > 0) {
      printLine(
        `Left out, and run by deno task test:all: ${leftOut.join(", ")}`,
      );
    }
    if (ignored.length + leftOut.length > 0) printLine("");
  }
}

function counts({ passed, failed, ignored }: Outcome["tally"]): string {
  return [
    `${passed} passed`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(ignored > 0 ? [`${ignored} skipped`] : []),
  ].join(", ");
}

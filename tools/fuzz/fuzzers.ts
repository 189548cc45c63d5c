/**
 * The fuzzers of c/linux: compiled with libFuzzer where `$CC` is a clang, else
 * with `driver.c`, which takes the same options and prints the same figures.
 */

import { fileURLToPath } from "node:url";
import { ADDRESS, type Checker, complains } from "../c/checkers.ts";
import { cc, compiler, isClang, OUT, whenChanged } from "../c/compile.ts";
import { describeEnd, runToEnd } from "../c/programs.ts";
import { LINUX, listC, ROOT } from "../c/sources.ts";

/** A fuzzer: `c/fuzz/<name>_fuzz.c`, with its corpus in `c/fuzz/corpus/<name>/`. */
export type Fuzzer = "wire" | "sequence";

/** Every fuzzer. */
export const FUZZERS: readonly Fuzzer[] = ["wire", "sequence"];

interface Parts {
  /** Of the fuzzer itself: what of it runs is nothing to learn from. */
  readonly harness: readonly string[];
  /** What of c/linux the harness has its own in place of. */
  readonly without: readonly string[];
}

const PARTS: Record<Fuzzer, Parts> = {
  wire: { harness: ["wire_fuzz.c"], without: [] },
  sequence: {
    harness: ["sequence_fuzz.c", "ours.c", "hostile.c", "inline_pool.c"],
    without: ["c/linux/pool.c", "c/linux/service.c"],
  },
};

/** The longest input that is tried: longer ones are slower, and reach nothing more. */
export const LONGEST = 512;

/** The inputs that are kept. */
export function corpus(fuzzer: Fuzzer): string {
  return fileURLToPath(new URL(`c/fuzz/corpus/${fuzzer}/`, ROOT));
}

/** Compiles a fuzzer, if it has changed, and returns its path. */
export async function compileFuzzer(
  fuzzer: Fuzzer,
  checker: Checker = ADDRESS,
): Promise<string> {
  const { harness: names, without } = PARTS[fuzzer];
  const harness = names.map((name) => `c/fuzz/${name}`);
  const linux = (await listC("linux/")).filter((file) =>
    !without.includes(file)
  );
  const flags = [...LINUX, ...checker.flags, "-O2"];
  const clang = await isClang();
  const own = clang ? harness : [...harness, "c/fuzz/driver.c"];
  const learn = clang ? "-fsanitize=fuzzer" : "-fsanitize-coverage=trace-pc";
  return await whenChanged(
    `${checker.name}/${fuzzer}_fuzz`,
    [...own, ...linux],
    [...flags, learn],
    async (output) => {
      if (clang) {
        return await cc([...flags, learn, ...own, ...linux, "-o", output]);
      }
      const object = `${output}.o`;
      await cc([...flags, "-r", ...own, "-o", object]);
      await cc([...flags, learn, ...linux, object, "-o", output]);
      await Deno.remove(object);
    },
  );
}

/** What a fuzzer takes for its corpus and besides what it is to fuzz for, at the most. */
const LIMIT_MS = 1_200_000;

/** How a run of a fuzzer went. */
export interface Run {
  readonly success: boolean;
  readonly executions: number;
  /** Inputs that reached something new. */
  readonly added: number;
  /** All that it said. */
  readonly text: string;
}

/** How a fuzzer is run. */
export interface FuzzerOptions {
  /** As libFuzzer has them. */
  readonly flags: readonly string[];
  /** Inputs; new ones go to the first. */
  readonly folders: readonly string[];
  /** How long it is to fuzz; not at all if not said. */
  readonly seconds?: number;
  readonly checker?: Checker;
  /** Ends it. */
  readonly stop?: AbortSignal | undefined;
}

/** Runs a fuzzer; what it finds and what it dies of goes below `c/out/`, the latter as `<name>_fuzz.crash-…`. */
export async function runFuzzer(
  fuzzer: Fuzzer,
  program: string,
  { flags, folders, seconds = 0, checker = ADDRESS, stop }: FuzzerOptions,
): Promise<Run> {
  const prefix = fileURLToPath(new URL(`${fuzzer}_fuzz.`, OUT));
  const [first, ...before] = [...checker.command, program];
  const limitMs = LIMIT_MS + seconds * 1000;
  const ended = await runToEnd(first!, {
    args: [
      ...before,
      ...flags,
      ...(seconds > 0 ? [`-max_total_time=${seconds}`] : []),
      `-max_len=${LONGEST}`,
      "-print_final_stats=1",
      `-artifact_prefix=${prefix}`,
      ...folders,
    ],
    env: checker.env,
    limitMs,
    ...(stop && { stop }),
  });
  const success = ended.code === 0;
  const text = success
    ? ended.stderr
    : `${ended.stderr}\n${describeEnd(ended, limitMs)}`;
  const figure = (name: string): number =>
    Number(text.match(new RegExp(`stat::${name}:\\s*(\\d+)`))?.[1] ?? 0);
  return {
    success,
    executions: figure("number_of_executed_units"),
    added: figure("new_units_added"),
    text,
  };
}

/** Runs each input of the corpus once. False, with what was said on the standard error, if one fails. */
export async function replay(
  fuzzer: Fuzzer,
  program: string,
  checker: Checker,
  stop?: AbortSignal,
): Promise<boolean> {
  const run = await runFuzzer(fuzzer, program, {
    flags: ["-runs=0"],
    folders: [corpus(fuzzer)],
    checker,
    stop,
  });
  const ok = run.success && run.executions > 0 && !complains(run.text);
  Deno.stderr.writeSync(
    new TextEncoder().encode(
      ok ? `ok ${run.executions} inputs\n` : `${run.text}\n`,
    ),
  );
  return ok;
}

/** Which compiler, and so which fuzzing engine. */
export async function engine(): Promise<string> {
  return `${compiler()} with ${
    await isClang() ? "libFuzzer" : "c/fuzz/driver.c"
  }`;
}

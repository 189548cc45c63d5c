/**
 * `deno task fuzz`: runs all fuzzers at the same time, each in a process of its
 * own, for `--seconds`. See docs/linux-libxpc.md.
 */

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { OUT } from "../c/compile.ts";
import { announce } from "../checkout.ts";
import { interruption } from "../programs.ts";
import { type Clang, findClang } from "./clang.ts";
import {
  corpusPath,
  expandCorpus,
  type Fuzzer,
  FUZZERS,
  readInputs,
  writeCorpus,
} from "./corpus.ts";
import { compileFuzzer, runFuzzer } from "./fuzzers.ts";

const USAGE = `deno task fuzz [--seconds N] [--seed N] [--keep]

  --seconds N  the time for which each fuzzer runs (60)
  --seed N     the seed of its random numbers (1)
  --keep       write c/fuzz/*.corpus again: the smallest set of the inputs in it
               and of those found that reaches the same code

Needs a clang with libFuzzer: $CC, or clang, or Debian's, which is unpacked below
c/out/. Where there is none the fuzzers are reported as ignored. New inputs stay
below c/out/, and the next run starts from them too.`;

/** The folder for new inputs of a fuzzer. */
async function found(fuzzer: Fuzzer): Promise<string> {
  const folder = fileURLToPath(new URL(`${fuzzer}_fuzz.found`, OUT));
  await Deno.mkdir(folder, { recursive: true });
  return folder;
}

interface Options {
  readonly seconds: number;
  readonly seed: string;
  readonly clang: Clang;
  readonly stop: AbortSignal;
}

async function fuzz(
  fuzzer: Fuzzer,
  { seconds, seed, clang, stop }: Options,
): Promise<boolean> {
  const program = await compileFuzzer(fuzzer, clang);
  const run = await runFuzzer(fuzzer, program, {
    flags: [`-seed=${seed}`],
    folders: [await found(fuzzer), await expandCorpus(fuzzer)],
    seconds,
    clang,
    stop,
  });
  announce(
    `${fuzzer}: ${run.executions} executions, ${run.added} new inputs, ` +
      (run.success ? "no findings" : `a finding:\n${run.text}`),
  );
  for (const line of run.crashes) {
    announce(`Its input, as a line of ${corpusPath(fuzzer)}: ${line}`);
  }
  return run.success;
}

/** Writes the corpus again: the smallest set of its inputs and of those found that reaches as much. */
async function keep(fuzzer: Fuzzer, clang: Clang): Promise<boolean> {
  const program = await compileFuzzer(fuzzer, clang);
  const folder = await Deno.makeTempDir();
  try {
    const { success, text } = await runFuzzer(fuzzer, program, {
      flags: ["-merge=1"],
      folders: [folder, await expandCorpus(fuzzer), await found(fuzzer)],
      clang,
    });
    if (!success) {
      announce(text);
      return false;
    }
    const inputs = await readInputs(folder);
    await writeCorpus(fuzzer, inputs);
    announce(`${corpusPath(fuzzer)} has ${inputs.length} inputs`);
    return true;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The last line, which the test runner counts. */
function close(passed: number, failed: number, ignored: number): number {
  announce(
    `${failed ? "FAILED" : "ok"} | ${passed} passed | ${failed} failed | ` +
      `${ignored} ignored | fuzzers`,
  );
  return failed ? 1 : 0;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "60" },
      seed: { type: "string", default: "1" },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    announce(USAGE);
    return 0;
  }
  const seconds = Number(values.seconds);
  if (!(seconds > 0)) {
    announce(
      `--seconds ${values.seconds}: expected a number above 0\n${USAGE}`,
    );
    return 2;
  }
  const clang = Deno.build.os === "linux"
    ? await findClang()
    : "the fuzzers are for Linux";
  if (typeof clang === "string") {
    for (const fuzzer of FUZZERS) {
      announce(`fuzzer ${fuzzer} (ignored: ${clang}) ... ignored`);
    }
    return close(0, 0, FUZZERS.length);
  }
  announce(`fuzzing for ${seconds} s with libFuzzer of ${clang.title}`);
  const stop = interruption();
  const options = { seconds, seed: values.seed, clang, stop };
  await Deno.mkdir(OUT, { recursive: true });
  const clean = await Promise.all(
    FUZZERS.map((fuzzer) => fuzz(fuzzer, options)),
  );
  const passed = clean.filter(Boolean).length;
  const ended = close(passed, clean.length - passed, 0);
  if (stop.aborted) return 130;
  if (ended !== 0 || !values.keep) return ended;
  const kept = await Promise.all(FUZZERS.map((fuzzer) => keep(fuzzer, clang)));
  return kept.every(Boolean) ? 0 : 1;
}

Deno.exit(await main());

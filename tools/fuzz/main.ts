/**
 * `deno task fuzz`: every fuzzer at once, each on a processor of its own, for
 * as long as `--seconds` says. See docs/linux-libxpc.md.
 */

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { announce, OUT } from "../c/compile.ts";
import { interruption } from "../c/programs.ts";
import {
  compileFuzzer,
  corpus,
  engine,
  type Fuzzer,
  FUZZERS,
  runFuzzer,
} from "./fuzzers.ts";

const USAGE = `deno task fuzz [--seconds N] [--seed N] [--keep]

  --seconds N  how long each fuzzer runs (90)
  --seed N     of the random numbers (1)
  --keep       write the corpus anew: of what it has and what was found, as few
               and as short inputs as reach the same code

CC=clang takes libFuzzer. What was found stays below c/out/ and is started from
the next time.`;

/** Where a fuzzer puts what it finds. */
async function found(fuzzer: Fuzzer): Promise<string> {
  const folder = fileURLToPath(new URL(`${fuzzer}_fuzz.found/`, OUT));
  await Deno.mkdir(folder, { recursive: true });
  return folder;
}

async function fuzz(
  fuzzer: Fuzzer,
  seconds: number,
  seed: string,
  stop: AbortSignal,
): Promise<boolean> {
  const program = await compileFuzzer(fuzzer);
  const run = await runFuzzer(fuzzer, program, {
    flags: [`-seed=${seed}`],
    folders: [await found(fuzzer), corpus(fuzzer)],
    seconds,
    stop,
  });
  announce(
    `${fuzzer}: ${run.executions} executions, ${run.added} new inputs, ` +
      (run.success ? "no findings" : `a finding:\n${run.text}`),
  );
  return run.success;
}

/** Replaces the corpus by the smallest part of it, and of what was found, that reaches as much. */
async function keep(fuzzer: Fuzzer): Promise<boolean> {
  const program = await compileFuzzer(fuzzer);
  const folder = await Deno.makeTempDir();
  try {
    const { success, text } = await runFuzzer(fuzzer, program, {
      flags: ["-merge=1"],
      folders: [folder, corpus(fuzzer), await found(fuzzer)],
    });
    if (!success) {
      announce(text);
      return false;
    }
    await Deno.remove(corpus(fuzzer), { recursive: true });
    await Deno.mkdir(corpus(fuzzer));
    for await (const { name } of Deno.readDir(folder)) {
      await Deno.copyFile(`${folder}/${name}`, `${corpus(fuzzer)}${name}`);
    }
    announce(`${fuzzer}: ${text.trim()}`);
    return true;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "90" },
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
    announce(`--seconds ${values.seconds}: a number above 0\n${USAGE}`);
    return 2;
  }
  announce(`fuzzing for ${seconds} s by ${await engine()}`);
  const stop = interruption();
  const clean = await Promise.all(
    FUZZERS.map((fuzzer) => fuzz(fuzzer, seconds, values.seed, stop)),
  );
  if (!clean.every(Boolean)) return 1;
  const kept = values.keep
    ? await Promise.all(FUZZERS.map((fuzzer) => keep(fuzzer)))
    : [];
  return kept.every(Boolean) ? 0 : 1;
}

Deno.exit(await main());

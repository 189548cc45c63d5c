/**
 * The fuzzers of c/linux, c/bootstrap and c/bridge. Each is compiled in two ways: with a clang's libFuzzer,
 * which finds new inputs, and with `replay.c`, which runs those of the corpus and
 * needs no clang.
 */

import { fileURLToPath } from "node:url";
import { ADDRESS, type Checker, complains } from "../c/checkers.ts";
import { cc, OUT, tool, whenChanged } from "../c/compile.ts";
import { announce, ROOT } from "../checkout.ts";
import { describeEnd, runToEnd } from "../programs.ts";
import { LINUX, listLibxpc, listShim } from "../c/sources.ts";
import type { Clang } from "./clang.ts";
import { corpusPath, type Fuzzer, readCorpus } from "./corpus.ts";

interface Parts {
  /** The fuzzer's own files, in `c/fuzz/`. */
  readonly harness: readonly string[];
  /** Whether they replace {@link REPLACED}. */
  readonly replaces: boolean;
  /** What they need besides our libxpc. */
  readonly more?: readonly string[];
  /** Whether they need the shim too. */
  readonly shim?: true;
  /** C files that they include. */
  readonly includes?: readonly string[];
}

const PARTS: Record<Fuzzer, Parts> = {
  wire: { harness: ["wire_fuzz.c"], replaces: false },
  sequence: {
    harness: ["sequence_fuzz.c", "ours.c", "hostile.c", "inline_pool.c"],
    replaces: true,
  },
  bootstrap: {
    harness: ["bootstrap_fuzz.c"],
    replaces: false,
    more: [
      "c/bootstrap/messages_linux.c",
      "c/bootstrap/registry.c",
      "c/bootstrap/watches_linux.c",
    ],
    includes: ["c/bootstrap/server_linux.c"],
  },
  lane: { harness: ["lane_fuzz.c"], replaces: false, shim: true },
};

/** The files of c/linux that a fuzzer can replace. */
export const REPLACED: readonly string[] = [
  "c/linux/pool.c",
  "c/linux/service.c",
];

/** The longest input that is tried, in bytes: longer ones are slower and reach no other code. */
const LONGEST = 512;

/** The longest time for one input, in seconds. Replaying has the same limit, see `replay.c`. */
const HANG_SECONDS = 120;

/** The longest time for everything but the fuzzing itself. */
const LIMIT_MS = 1_200_000;

function includesOf(fuzzer: Fuzzer): readonly string[] {
  return PARTS[fuzzer].includes ?? [];
}

function harnessOf(fuzzer: Fuzzer): string[] {
  const { harness, more = [] } = PARTS[fuzzer];
  return [...harness.map((name) => `c/fuzz/${name}`), ...more];
}

/** Compiles a fuzzer with libFuzzer, if it has changed, and returns its path. */
export async function compileFuzzer(
  fuzzer: Fuzzer,
  clang: Clang,
): Promise<string> {
  const linux = await listLibxpc();
  const sources = [
    ...harnessOf(fuzzer),
    ...PARTS[fuzzer].shim ? await listShim("linux") : [],
    ...PARTS[fuzzer].replaces
      ? linux.filter((file) => !REPLACED.includes(file))
      : linux,
  ];
  const flags = [...LINUX, ...ADDRESS.flags, "-O2", "-fsanitize=fuzzer"];
  const [program, ...first] = clang.command;
  return await whenChanged(
    `fuzz/${fuzzer}_fuzz`,
    [...sources, ...includesOf(fuzzer)],
    [clang.title, ...clang.command, ...flags],
    (output) => tool(program!, [...first, ...flags, ...sources, "-o", output]),
  );
}

/** The objects that fuzzers are linked with. */
export interface FuzzerObjects {
  /** Those of c/linux: without {@link REPLACED}, and these. */
  readonly linux: readonly string[];
  /** That of the shim, and those of c/linux. */
  readonly shim: readonly string[];
}

/** Compiles a fuzzer with `replay.c` and the C compiler, if it has changed, and returns its path. */
export async function compileReplayer(
  fuzzer: Fuzzer,
  checker: Checker,
  objects: FuzzerObjects,
): Promise<string> {
  const { shim, replaces } = PARTS[fuzzer];
  const linux = replaces ? objects.linux.slice(0, 1) : objects.linux;
  const sources = [
    ...harnessOf(fuzzer),
    "c/fuzz/replay.c",
    ...shim ? objects.shim : linux,
  ];
  const flags = [...LINUX, ...checker.flags];
  return await whenChanged(
    `${checker.name}/${fuzzer}_replay`,
    [...sources, ...includesOf(fuzzer)],
    flags,
    (output) => cc([...flags, ...sources, "-o", output]),
  );
}

/** The result of a fuzzer's run. */
export interface Run {
  readonly success: boolean;
  readonly executions: number;
  /** The number of new inputs, which reach code that no other reaches. */
  readonly added: number;
  /** Everything that it wrote, and how it ended if it failed. */
  readonly text: string;
  /** The inputs that it failed with, as lines of its corpus. */
  readonly crashes: readonly string[];
}

/** How a fuzzer is run. */
interface FuzzerOptions {
  /** libFuzzer's. */
  readonly flags: readonly string[];
  /** The folders of inputs. New inputs are written to the first. */
  readonly folders: readonly string[];
  /** The time of the fuzzing. None if undefined. */
  readonly seconds?: number;
  readonly clang: Clang;
  /** The folder for the inputs that make it fail, with `/` at its end. */
  readonly crashes?: URL;
  /** Ends the run. */
  readonly stop?: AbortSignal | undefined;
}

/** The files in a folder whose names begin with `prefix`. */
async function filesIn(folder: URL, prefix: string): Promise<Set<string>> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return new Set(
    entries.map(({ name }) => name).filter((name) => name.startsWith(prefix)),
  );
}

/** Runs a fuzzer that was compiled with libFuzzer. */
export async function runFuzzer(
  name: string,
  program: string,
  { flags, folders, seconds = 0, clang, crashes = OUT, stop }: FuzzerOptions,
): Promise<Run> {
  const prefix = `${name}_fuzz.`;
  const before = await filesIn(crashes, prefix);
  const limitMs = LIMIT_MS + seconds * 1000;
  const ended = await runToEnd(program, {
    args: [
      ...flags,
      ...(seconds > 0 ? [`-max_total_time=${seconds}`] : []),
      `-max_len=${LONGEST}`,
      `-timeout=${HANG_SECONDS}`,
      "-print_final_stats=1",
      `-artifact_prefix=${fileURLToPath(crashes)}${prefix}`,
      ...folders,
    ],
    env: { ...clang.env },
    limitMs,
    ...(stop && { stop }),
  });
  const success = ended.code === 0;
  const figure = (of: string): number =>
    Number(ended.stderr.match(new RegExp(`stat::${of}:\\s*(\\d+)`))?.[1] ?? 0);
  const written = await filesIn(crashes, prefix);
  const inputs = [...written.difference(before)]
    .filter((file) => !file.endsWith(".found") && !file.endsWith(".corpus"))
    .map((file) => Deno.readFile(new URL(file, crashes)));
  return {
    success,
    executions: figure("number_of_executed_units"),
    added: figure("new_units_added"),
    text: success
      ? ended.stderr
      : `${ended.stderr}\n${describeEnd(ended, limitMs)}`,
    crashes: (await Promise.all(inputs)).map((input) => input.toHex()),
  };
}

/**
 * Runs each input of the corpus once under a checker. Returns false if one fails,
 * after a message on the standard error that names its line.
 */
export async function replay(
  fuzzer: Fuzzer,
  program: string,
  checker: Checker,
  stop?: AbortSignal,
): Promise<boolean> {
  const inputs = await readCorpus(fuzzer);
  const [first, ...before] = [...checker.command, program];
  const ended = await runToEnd(first!, {
    args: [...before, corpusPath(fuzzer)],
    cwd: ROOT,
    env: checker.env,
    limitMs: LIMIT_MS,
    ...(stop && { stop }),
  });
  const { code, stdout, stderr } = ended;
  const last = stdout.trimEnd().split("\n").at(-1)!;
  const ok = code === 0 && inputs.length > 0 && !complains(stderr) &&
    last === `${inputs.length} inputs`;
  announce(
    ok ? `ok ${last}` : `${stderr}\n${last}: ${describeEnd(ended, LIMIT_MS)}`,
  );
  return ok;
}

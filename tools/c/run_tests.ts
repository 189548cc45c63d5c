/**
 * `deno task test:c`: compiles the C tests and runs them under a checker, which
 * finds errors that they do not assert. It runs the fuzzers' corpora too.
 */

import { parseArgs } from "node:util";
import {
  type Checker,
  type CheckerName,
  CHECKERS,
  complains,
  findChecker,
} from "./checkers.ts";
import { cc, compileObject, OUT, whenChanged } from "./compile.ts";
import { announce, ROOT } from "../checkout.ts";
import { FUZZERS } from "../fuzz/corpus.ts";
import {
  compileReplayer,
  type FuzzerObjects,
  REPLACED,
  replay,
} from "../fuzz/fuzzers.ts";
import {
  describeEnd,
  type Ended,
  interruption,
  lastWords,
  runToEnd,
} from "../programs.ts";
import {
  LINUX,
  listC,
  listLibxpc,
  listMachBootstrap,
  listShim,
  listTests,
  MACOS_PROGRAM,
} from "./sources.ts";

const USAGE = `deno task test:c [--under CHECKER] [TEST ...]

  --under CHECKER  address (ASan and UBSan), thread (TSan), valgrind, and on
                   macOS leaks (address)
  TEST             the name of a file in c/tests, such as linux_wire_test (all)`;

/** The limit for a test program, which takes up to half a minute under a checker. Its tests have limits of their own: see c/tests/check.h. */
const LIMIT_MS = 1_200_000;

/** The results of a program's tests. */
interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
  /** Why the program counts as failed, in one line. */
  readonly failure?: string;
}

/** The parameters of a run. */
interface Run {
  readonly checker: Checker;
  /** The folder that the test programs may write to. */
  readonly scratch: string;
  /** Kills the running programs, and starts no more. */
  readonly stop: AbortSignal;
}

const LINUX_SYSTEM = Deno.build.os === "linux";
const FLAGS = LINUX_SYSTEM ? LINUX : MACOS_PROGRAM;

/** The objects that the tests are linked with. */
interface Parts extends FuzzerObjects {
  readonly overDouble: readonly string[];
  /** The bootstrap of macOS over a double of Mach. */
  readonly overMach: readonly string[];
}

/** Flags of the files for macOS that run over the double of Mach. */
const OVER_MACH: readonly string[] = [
  "-Ic/tests/mach",
  "-include",
  "c/tests/mach/darwin.h",
];

async function compileParts(checker: Checker): Promise<Parts> {
  const flags = [...FLAGS, ...checker.flags];
  const part = (name: string, sources: string[]): Promise<string> =>
    compileObject(`${checker.name}/${name}.o`, sources, flags);
  if (!LINUX_SYSTEM) {
    const shim = await part("shim", await listShim("darwin"));
    return { linux: [], shim: [shim], overDouble: [], overMach: [] };
  }
  const fixed = (await listLibxpc()).filter((file) => !REPLACED.includes(file));
  const mach = compileObject(
    `${checker.name}/mach.o`,
    [...await listC("tests/mach/"), ...await listMachBootstrap()],
    [...flags, ...OVER_MACH],
  );
  const [overMach, shim, overDouble, ...linux] = await Promise.all([
    mach,
    part("shim", await listShim("linux")),
    part("shim_over_double", await listShim("double")),
    part("linux_fixed", fixed),
    part("linux_replaced", [...REPLACED]),
  ]);
  return {
    linux,
    shim: [shim, ...linux],
    overDouble: [overDouble, ...linux],
    overMach: [overMach],
  };
}

/** Compiles the test double of macOS's frameworks. The test loads it from its own folder. */
async function compileDouble(checker: Checker): Promise<void> {
  const sources = await listC("tests/", "_double.c");
  const flags = [...FLAGS, ...checker.flags, "-fPIC", "-shared"];
  await whenChanged(
    `${checker.name}/iosurface_double.so`,
    sources,
    flags,
    (output) => cc([...flags, ...sources, "-o", output]),
  );
}

/**
 * Compiles a test. Tests of c/linux link only that; tests of the shim link both;
 * tests of surfaces and endpoints on macOS link the shim for macOS with c/linux,
 * and export libxpc to the double; the test of the bootstrap over Mach links
 * that alone.
 */
async function compileTest(
  name: string,
  parts: Parts,
  checker: Checker,
): Promise<string> {
  const source = `c/tests/${name}.c`;
  const objects = name.startsWith("linux_")
    ? parts.linux
    : name.startsWith("boot_mach_")
    ? parts.overMach
    : /^(iosurface|endpoint_port)_/.test(name)
    ? parts.overDouble
    : parts.shim;
  const text = await Deno.readTextFile(new URL(source, ROOT));
  const flags = [
    ...FLAGS,
    ...checker.flags,
    ...(objects === parts.overDouble ? ["-rdynamic"] : []),
    ...(objects === parts.overMach ? OVER_MACH : []),
    ...[...text.matchAll(/^WRAP\((\w+)\);$/gm)]
      .map(([, wrapped]) => `-Wl,--wrap=${wrapped}`),
  ];
  const shared = [...text.matchAll(/^#include "(fuzz\/\w+\.h)"$/gm)]
    .map(([, header]) => `c/${header}`);
  return await whenChanged(
    `${checker.name}/${name}`,
    [source, ...shared, ...objects],
    flags,
    (output) => cc([...flags, source, ...objects, "-o", output]),
  );
}

/** Runs a test program, and then shows its output. */
async function runTest(
  program: string,
  { checker, scratch, stop }: Run,
): Promise<Tally> {
  const [first, ...args] = [...checker.command, program];
  const ended = await runToEnd(first!, {
    args,
    env: { ...checker.env, SCRATCH: scratch },
    limitMs: LIMIT_MS,
    stop,
  });
  const name = program.slice(program.lastIndexOf("/") + 1);
  announce(`--- ${name}`);
  announce(`${ended.stdout}${ended.stderr}`.trimEnd());
  return tallyOf(name, ended);
}

function tallyOf(name: string, ended: Ended): Tally {
  const [passed = 0, failed = 0, ignored = 0] =
    /^(\d+) passed, (\d+) failed, (\d+) ignored$/m.exec(ended.stdout)
      ?.slice(1).map(Number) ?? [];
  const { code, left, stderr } = ended;
  if (code === 0 && passed > 0 && !left && !complains(stderr)) {
    return { passed, failed, ignored };
  }
  return {
    passed,
    failed: Math.max(failed, 1),
    ignored,
    failure: `FAILED ${name}: ${describeEnd(ended, LIMIT_MS)}; ` +
      `last words: ${lastWords(ended)}`,
  };
}

async function replayCorpora({ checker, stop }: Run): Promise<Tally> {
  const parts = await compileParts(checker);
  let passed = 0, failed = 0;
  for (const fuzzer of FUZZERS) {
    const program = await compileReplayer(fuzzer, checker, parts);
    announce(`--- ${fuzzer}_fuzz, its corpus`);
    if (await replay(fuzzer, program, checker, stop)) passed++;
    else failed++;
  }
  return { passed, failed, ignored: 0 };
}

/** Runs the tests in parallel on all processors. */
async function runAll(tests: readonly string[], run: Run): Promise<Tally[]> {
  const { checker, stop } = run;
  const parts = await compileParts(checker);
  if (LINUX_SYSTEM) await compileDouble(checker);
  const tallies: Tally[] = [];
  const rest = tests.values();
  const work = async (): Promise<void> => {
    for (const test of rest) {
      const program = await compileTest(test, parts, checker);
      if (stop.aborted) return;
      tallies.push(await runTest(program, run));
    }
  };
  await Promise.all(
    Array.from({ length: navigator.hardwareConcurrency }, work),
  );
  return tallies;
}

function total(title: string, tallies: readonly Tally[]): boolean {
  const sum = (kind: "passed" | "failed" | "ignored"): number =>
    tallies.reduce((before, tally) => before + tally[kind], 0);
  const ok = sum("failed") === 0;
  for (const { failure } of tallies) {
    if (failure !== undefined) announce(failure);
  }
  announce(
    `${ok ? "ok" : "FAILED"} | ${sum("passed")} passed | ` +
      `${sum("failed")} failed | ${sum("ignored")} ignored | ${title}`,
  );
  return ok;
}

async function main(): Promise<number> {
  const { values, positionals: named } = parseArgs({
    options: {
      under: { type: "string", default: "address" },
      help: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  const name = CHECKERS.find((it) => it === values.under);
  const tests = await listTests(LINUX_SYSTEM ? "linux" : "darwin");
  const unknown = named.find((test) => !tests.includes(test));
  if (values.help || !name || unknown) {
    if (!values.help) {
      announce(
        `Unknown ${
          unknown === undefined
            ? `checker: ${values.under}`
            : `test: ${unknown}`
        }`,
      );
    }
    announce(USAGE);
    return values.help ? 0 : 2;
  }
  const title = (of: string): string => `C tests under ${of}`;
  const checker = await findChecker(name satisfies CheckerName);
  if (typeof checker === "string") {
    announce(`${title(name)} (ignored: ${checker}) ... ignored`);
    total(title(name), [{ passed: 0, failed: 0, ignored: tests.length }]);
    return 0;
  }
  const stop = interruption();
  const run: Run = { checker, scratch: makeScratch(), stop };
  const tallies = await runAll(named.length ? named : tests, run);
  // The fuzzers have one thread, and need our libxpc.
  if (LINUX_SYSTEM && name !== "thread" && named.length === 0) {
    tallies.push(await replayCorpora(run));
  }
  const ok = total(title(checker.title), tallies);
  return stop.aborted ? 130 : ok ? 0 : 1;
}

/**
 * Makes a folder that is removed when this program ends, with what crashed tests
 * have left in it. Its path is short, because it contains sockets.
 */
function makeScratch(): string {
  const { stdout } = new Deno.Command("mktemp", {
    args: ["-d", "/tmp/slb-tests-XXXXXX"],
    stderr: "inherit",
  }).outputSync();
  const path = new TextDecoder().decode(stdout).trim();
  addEventListener("unload", () => {
    new Deno.Command("rm", { args: ["-rf", path] }).outputSync();
  });
  return path;
}

await Deno.mkdir(OUT, { recursive: true });
Deno.exit(await main());

/**
 * The parts of `deno task test` and `deno task test:all`. docs/testing.md explains
 * the division.
 */

import type { Step } from "./step.ts";
import {
  EITHER_BOTH,
  EITHER_LANGUAGE,
  EITHER_TRANSPORT,
  LIKE_MACOS,
  SHIM_TESTS,
} from "./suites.ts";

/** A part of the run: steps of the same kind. */
interface Part {
  readonly name: string;
  /** Whether `deno task test` runs it; otherwise only `deno task test:all` does. */
  readonly quick: boolean;
  /** The sum of the times of its steps on two idle cores, in seconds; four steps that do not use all cores run at once. It is compared with the measured sum. */
  readonly budgetSecs: number;
  /** The additional time of its exhaustive tests; 0 if there are none. */
  readonly exhaustiveSecs?: number;
  steps(which: Which): Promise<readonly PlannedStep[]>;
}

/** The tests of a part: without the exhaustive ones, all, or those that `deno task test` leaves out of a part that it runs. */
type Which = "quick" | "all" | "exhaustive";

/** A step, and whether an exhaustive run has more tests in it. */
interface PlannedStep extends Step {
  readonly exhaustive: boolean;
}

/** The extent of a run: that of `deno task test`, everything, or the rest, which `deno task test` leaves out. */
export type Extent = "quick" | "all" | "rest";

/** A part, and its steps in one run. */
export interface PlannedPart extends Omit<Part, "steps"> {
  readonly steps: readonly Step[];
}

const ROOT = new URL("../../", import.meta.url);
const LIMIT_SECS = 1200;
const EXHAUSTIVE_LIMIT_SECS = 3600;
const EXHAUSTIVE = /\bexhaustive: true\b/;
/** The arguments of a test file, which select its tests: see tests/helpers/permitted.ts. */
const ARGUMENTS: Record<Which, readonly string[]> = {
  quick: [],
  all: ["--", "--exhaustive"],
  exhaustive: ["--", "--exhaustive", "--not-quick"],
};

/** A command that uses all cores. */
function command(
  name: string,
  args: readonly string[],
  limitSecs = LIMIT_SECS,
): PlannedStep {
  return {
    name,
    command: [Deno.execPath(), ...args],
    alone: true,
    limitSecs,
    exhaustive: false,
  };
}

function task(name: string, ...args: string[]): PlannedStep {
  const words = ["task", "--quiet", name, ...args];
  return command(`deno ${words.join(" ")}`, words, EXHAUSTIVE_LIMIT_SECS);
}

/** The conformance suite of libxpc alone, without the look at Apple's headers: all cases, or every Nth. */
function conformance(
  checker: string,
  every = 1,
  ...more: string[]
): PlannedStep {
  const which = every === 1 ? "" : `, every ${every}th case`;
  const words = ["conformance suite --under", checker, ...more].join(" ");
  return command(`${words}${which}`, [
    "run",
    "-q",
    "--no-lock",
    "--allow-all",
    "tests/contract/run.ts",
    "--under",
    checker,
    "--every",
    String(every),
    ...more,
  ]);
}

/** The step of a command that uses one core most of the time, so that it can run beside others. */
function besideOthers(step: PlannedStep): PlannedStep {
  return { ...step, alone: false };
}

function commands(...steps: PlannedStep[]): Part["steps"] {
  return () => Promise.resolve(steps);
}

/** A test file in its own process. Its types were checked before, with all others. */
async function file(path: string, which: Which): Promise<PlannedStep> {
  const more = EXHAUSTIVE.test(await Deno.readTextFile(new URL(path, ROOT)));
  const args = more ? ARGUMENTS[which] : [];
  return {
    ...command(
      path,
      ["test", "--allow-all", "--no-check", path, ...args],
      args.length > 0 ? EXHAUSTIVE_LIMIT_SECS : LIMIT_SECS,
    ),
    alone: false,
    exhaustive: more,
  };
}

/** The step with a libxpc that behaves as Apple's does, by public evidence. See docs/linux-libxpc.md. */
function likeMacos(step: PlannedStep): PlannedStep {
  return {
    ...step,
    name: `${step.name}, as on a Mac`,
    env: { STREAMLIB_LIBXPC: "macos" },
  };
}

/** The step with frames as XPC messages, as peers without lanes get them. */
function overDictionaries(step: PlannedStep): PlannedStep {
  return {
    ...step,
    name: `${step.name}, over dictionaries`,
    env: { STREAMLIB_TEST_PATH: "dictionary" },
  };
}

/** The step with Python processes as clients. */
function ofPython(step: PlannedStep): PlannedStep {
  return {
    ...step,
    name: `${step.name}, of Python`,
    env: { STREAMLIB_TEST_CLIENTS: "python" },
  };
}

/** The test files of a folder; the longest, if it is named, comes first, so that nothing waits for it at the end. */
function files(folder: string, longest?: string): Part["steps"] {
  return async (which) => {
    const entries = await Array.fromAsync(Deno.readDir(new URL(folder, ROOT)));
    const names = entries.map(({ name }) => name)
      .filter((name) => name.endsWith("_test.ts"))
      .sort((a, b) =>
        Number(b === longest) - Number(a === longest) || (a < b ? -1 : 1)
      );
    return await Promise.all(
      names.map((name) => file(`${folder}/${name}`, which)),
    );
  };
}

/** A file that is no step of its own: a fixture, a new test, or a test that runs together with others. */
function isOtherFile(path: string, known: ReadonlySet<string>): boolean {
  try {
    return !known.has(path) && Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** All parts. Those steps run first that run alone, then all others, each in this order. */
export const PARTS: readonly Part[] = [
  {
    name: "types",
    quick: true,
    budgetSecs: 60,
    steps: commands(
      besideOthers(command("deno check", ["check", "--quiet"])),
    ),
  },
  {
    name: "c",
    quick: true,
    budgetSecs: 120,
    steps: commands(
      besideOthers(task("test:c")),
      conformance("address", 2),
      conformance("address", 4, "--bootstrap"),
    ),
  },
  {
    name: "unit",
    quick: true,
    budgetSecs: 40,
    steps: commands(
      command("tests/unit, tests/checks", [
        "test",
        "--allow-all",
        "--no-check",
        "--parallel",
        "tests/unit",
        "tests/checks",
      ]),
    ),
  },
  {
    name: "integration",
    quick: true,
    budgetSecs: 780,
    exhaustiveSecs: 2_400,
    steps: files("tests/integration", "interleavings_test.ts"),
  },
  {
    name: "faults",
    quick: true,
    budgetSecs: 60,
    exhaustiveSecs: 120,
    steps: files("tests/faults"),
  },
  {
    name: "documentation",
    quick: true,
    budgetSecs: 15,
    steps: commands(besideOthers(task("test:doc"))),
  },
  {
    name: "proto",
    quick: false,
    budgetSecs: 10,
    steps: commands(task("lint:proto")),
  },
  {
    name: "fuzz",
    quick: false,
    budgetSecs: 100,
    steps: commands(task("fuzz")),
  },
  {
    name: "checkers",
    quick: false,
    budgetSecs: 330,
    steps: commands(
      besideOthers(task("test:c", "--under", "thread")),
      task("test:c", "--under", "valgrind"),
      conformance("valgrind", 4),
    ),
  },
  {
    // The longest of those that run beside others, so it comes first.
    name: "cases",
    quick: false,
    budgetSecs: 600,
    steps: files("tests/cases"),
  },
  {
    name: "foreign",
    quick: false,
    budgetSecs: 180,
    steps: files("tests/foreign"),
  },
  {
    name: "contract",
    quick: false,
    budgetSecs: 120,
    steps: commands(
      besideOthers(task("test:contract")),
      conformance("address"),
      conformance("address", 1, "--bootstrap"),
    ),
  },
  {
    name: "macos",
    quick: false,
    budgetSecs: 90,
    steps: files("tests/macos"),
  },
  {
    name: "dictionary",
    quick: false,
    budgetSecs: 140,
    steps: async () => {
      const tests = EITHER_TRANSPORT.map((path) => file(path, "quick"));
      return (await Promise.all(tests)).map(overDictionaries);
    },
  },
  {
    name: "python",
    quick: false,
    budgetSecs: 440,
    steps: async () => {
      const steps = (paths: readonly string[]): Promise<PlannedStep[]> =>
        Promise.all(paths.map((path) => file(path, "quick")));
      const overLanes = await steps(EITHER_LANGUAGE);
      const others = await steps(EITHER_BOTH);
      return [
        await file("tests/python/interpreters_test.ts", "quick"),
        ...overLanes.map(ofPython),
        ...others.map((step) => {
          const { name, env } = overDictionaries(step);
          const python = ofPython({ ...step, name });
          return { ...python, env: { ...env, ...python.env } };
        }),
      ];
    },
  },
  {
    name: "maclike",
    quick: false,
    budgetSecs: 210,
    steps: async () => {
      const samples = LIKE_MACOS.map((path) => file(path, "quick"));
      return [
        task("test:c", ...SHIM_TESTS),
        conformance("address"),
        ...await Promise.all(samples),
      ].map(likeMacos);
    },
  },
  {
    name: "package",
    quick: false,
    budgetSecs: 180,
    // In one process, because its files pack the package into the same folder.
    steps: commands(besideOthers(command(
      "tests/package",
      ["test", "--allow-all", "--no-check", "tests/package"],
      EXHAUSTIVE_LIMIT_SECS,
    ))),
  },
  {
    name: "examples",
    quick: false,
    budgetSecs: 30,
    steps: files("tests/examples"),
  },
  {
    // Boots a container with a systemd of its own, which needs root.
    name: "service",
    quick: false,
    budgetSecs: 90,
    steps: files("tests/service"),
  },
  {
    name: "browser",
    quick: false,
    budgetSecs: 30,
    steps: files("tests/browser"),
  },
];

function isPart(word: string): boolean {
  return PARTS.some(({ name }) => name === word);
}

/**
 * Returns the parts of a run, with their steps.
 *
 * @param wanted names of parts, parts of the names of steps, or files; if empty,
 *   all steps of the extent
 */
export async function planParts(
  extent: Extent,
  wanted: readonly string[],
): Promise<PlannedPart[]> {
  const known = new Set(
    (await Promise.all(PARTS.map(({ steps }) => steps("quick")))).flat()
      .map(({ name }) => name),
  );
  const others: Part = {
    name: "files",
    quick: true,
    budgetSecs: 0,
    steps: (which) =>
      Promise.all(
        wanted.filter((path) => isOtherFile(path, known))
          .map((path) => file(path, which)),
      ),
  };
  const planned = await Promise.all([...PARTS, others].map(async (part) => {
    const which = extent !== "rest"
      ? extent
      : part.quick
      ? "exhaustive"
      : "all";
    const steps = await part.steps(which);
    const { budgetSecs, exhaustiveSecs = 0 } = part;
    return {
      ...part,
      budgetSecs: {
        quick: budgetSecs,
        all: budgetSecs + exhaustiveSecs,
        exhaustive: exhaustiveSecs,
      }[which],
      steps: wanted.length > 0
        ? steps.filter(({ name }) =>
          wanted.some((word) =>
            isPart(word) ? part.name === word : name.includes(word)
          )
        )
        : which === "exhaustive"
        ? steps.filter(({ exhaustive }) => exhaustive)
        : extent === "quick" && !part.quick
        ? []
        : steps,
    };
  }));
  return planned.filter(({ steps }) => steps.length > 0);
}

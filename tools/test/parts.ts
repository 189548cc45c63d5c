/**
 * What `deno task test` and `deno task test:all` consist of. docs/testing.md
 * says why it is divided like this.
 */

import type { Step } from "./step.ts";

/** A part of the run: steps of one kind. */
export interface Part {
  readonly name: string;
  /** `deno task test` has it; if not, only `deno task test:all` does. */
  readonly quick: boolean;
  /** What its steps take on two quiet cores, added up, in seconds, for a look at what they took. */
  readonly budgetSecs: number;
  /** Its steps, with or without those of its tests that are exhaustive. */
  steps(exhaustive: boolean): Promise<readonly PlannedStep[]>;
}

/** A step, and whether it has more tests in an exhaustive run. */
interface PlannedStep extends Step {
  readonly exhaustive: boolean;
}

/** How much is run: what `deno task test` has, everything, or what `deno task test` leaves out. */
export type Extent = "quick" | "all" | "rest";

/** A part, and its steps in one run. */
export interface PlannedPart extends Omit<Part, "steps"> {
  readonly steps: readonly Step[];
}

const ROOT = new URL("../../", import.meta.url);
const LIMIT_SECS = 1200;
const EXHAUSTIVE_LIMIT_SECS = 3600;
const EXHAUSTIVE = /\bexhaustive: true\b/;

/** A command that uses every core. */
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

function commands(...steps: PlannedStep[]): Part["steps"] {
  return () => Promise.resolve(steps);
}

/** A test file in a process of its own. Its types were checked before, with all others. */
async function file(path: string, exhaustive: boolean): Promise<PlannedStep> {
  const more = EXHAUSTIVE.test(await Deno.readTextFile(new URL(path, ROOT)));
  const args = exhaustive && more ? ["--", "--exhaustive"] : [];
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

/** The test files of a folder. */
function files(folder: string): Part["steps"] {
  return async (exhaustive) => {
    const entries = await Array.fromAsync(Deno.readDir(new URL(folder, ROOT)));
    const names = entries.map(({ name }) => name)
      .filter((name) => name.endsWith("_test.ts")).sort();
    return await Promise.all(
      names.map((name) => file(`${folder}/${name}`, exhaustive)),
    );
  };
}

/** A file that no part has: a fixture, or a test that is being written. */
function isOtherFile(path: string): boolean {
  try {
    return !path.endsWith("_test.ts") && Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Every part, in the order in which they run. */
export const PARTS: readonly Part[] = [
  {
    name: "types",
    quick: true,
    budgetSecs: 15,
    steps: commands(command("deno check", ["check", "--quiet"])),
  },
  {
    name: "c",
    quick: true,
    budgetSecs: 30,
    steps: commands(task("test:c")),
  },
  {
    name: "unit",
    quick: true,
    budgetSecs: 20,
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
    budgetSecs: 300,
    steps: files("tests/integration"),
  },
  {
    name: "faults",
    quick: true,
    budgetSecs: 60,
    steps: files("tests/faults"),
  },
  {
    name: "documentation",
    quick: true,
    budgetSecs: 15,
    steps: commands(task("test:doc")),
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
    budgetSecs: 120,
    steps: commands(
      task("test:c", "--under", "thread"),
      task("test:c", "--under", "valgrind"),
    ),
  },
  {
    name: "foreign",
    quick: false,
    budgetSecs: 60,
    steps: files("tests/foreign"),
  },
  {
    name: "contract",
    quick: false,
    budgetSecs: 120,
    steps: commands(task("test:contract")),
  },
  {
    name: "macos",
    quick: false,
    budgetSecs: 60,
    steps: files("tests/macos"),
  },
  {
    name: "package",
    quick: false,
    budgetSecs: 120,
    // One process: its files pack the package into the same folder.
    steps: commands(
      command(
        "tests/package",
        ["test", "--allow-all", "--no-check", "tests/package"],
        EXHAUSTIVE_LIMIT_SECS,
      ),
    ),
  },
  {
    name: "browser",
    quick: false,
    budgetSecs: 30,
    steps: files("tests/browser"),
  },
];

/**
 * The parts of a run, with their steps.
 *
 * @param wanted the names of parts, pieces of the names of steps, or files;
 *   all of the extent's if empty
 */
export async function planParts(
  extent: Extent,
  wanted: readonly string[],
): Promise<PlannedPart[]> {
  const others: Part = {
    name: "files",
    quick: true,
    budgetSecs: 0,
    steps: (exhaustive) =>
      Promise.all(
        wanted.filter(isOtherFile).map((path) => file(path, exhaustive)),
      ),
  };
  const planned = await Promise.all([...PARTS, others].map(async (part) => {
    const steps = await part.steps(extent !== "quick");
    return {
      ...part,
      steps: wanted.length > 0
        ? steps.filter(({ name }) =>
          wanted.some((word) => part.name === word || name.includes(word))
        )
        : extent === "rest" && part.quick
        ? steps.filter(({ exhaustive }) => exhaustive)
        : extent === "quick" && !part.quick
        ? []
        : steps,
    };
  }));
  return planned.filter(({ steps }) => steps.length > 0);
}

/**
 * `deno task test:contract`: runs the conformance suite and prints its table.
 * Fails if a case fails, if a quotation is not in its header, or if
 * `docs/conformance.md` is out of date; `--write` writes that file. With
 * `--under` and the name of a checker it only runs the suite, under that checker;
 * with `--every N` only every Nth case; with `--bootstrap` the cases with named
 * services, whose names are those of a bootstrap.
 */

import { parseArgs } from "node:util";
import {
  ADDRESS,
  type Checker,
  CHECKERS,
  findChecker,
} from "../../tools/c/checkers.ts";
import { interruption } from "../../tools/programs.ts";
import { hasPython } from "../../tools/install/python.ts";
import { ROOT } from "../../tools/checkout.ts";
import { run } from "../helpers/child.ts";
import { soon } from "../helpers/soon.ts";
import {
  compileForMacos,
  type Documentation,
  ourDocumentation,
  quoteProblems,
} from "./apple.ts";
import { installServices } from "./launchd.ts";
import {
  type Case,
  compileSuite,
  listCases,
  type Outcome,
  runCase,
} from "./suite.ts";
import { type Column, columnOf, readColumn, renderDocument } from "./table.ts";

/** A first run downloads the compiler. */
const COMPILE_MS = 1_200_000;
const DOCUMENT = new URL("docs/conformance.md", ROOT);

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

async function formatted(text: string): Promise<string> {
  const { code, stdout, stderr } = await run(Deno.execPath(), {
    args: ["fmt", "--quiet", "--no-config", "--ext", "md", "-"],
    input: text,
  });
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** Runs one case per processor at a time; on macOS one, because the cases share the services. */
async function runAll(
  program: string,
  cases: readonly Case[],
  checker: Checker,
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const rest = cases.entries();
  const stop = interruption();
  const work = async (): Promise<void> => {
    for (const [i, it] of rest) {
      outcomes[i] = await runCase(program, it.case, checker, stop, env);
      if (stop.aborted) throw new Error("The run was interrupted");
    }
  };
  const workers = Deno.build.os === "linux" ? navigator.hardwareConcurrency : 1;
  await Promise.all(Array.from({ length: workers }, work));
  return outcomes;
}

/** The macOS column: earlier results from a Mac, else "compiled". */
function compiledColumn(cases: readonly Case[], before: Column): Column {
  return new Map(cases.map(({ case: name }) => {
    const cell = before.get(name);
    return [
      name,
      cell && /^(passed|failed|skipped)/.test(cell) ? cell : "compiled",
    ];
  }));
}

/** Prints the problems and the last line. Returns the exit code. */
function close(outcomes: readonly Outcome[], problems: string[]): number {
  for (const problem of problems) say(problem);
  const count = (kind: Outcome["result"]): number =>
    outcomes.filter(({ result }) => result === kind).length;
  say(
    `${problems.length ? "FAILED" : "ok"} | ${
      count("passed")
    } passed | ${problems.length} failed` +
      ` | ${count("skipped")} ignored | ${count("differs")} differ`,
  );
  return problems.length ? 1 : 0;
}

function failures(outcomes: readonly Outcome[]): string[] {
  return outcomes.filter(({ result }) => result === "failed")
    .map(({ case: name, detail }) => `FAILED ${name}: ${detail}`);
}

/** Runs only the suite, under another checker than the one of the document. */
async function runUnder(
  under: string,
  every: number,
  bootstrap: boolean,
): Promise<number> {
  const name = CHECKERS.find((it) => it === under);
  if (!name) {
    say(`--under ${under}: expected one of ${CHECKERS.join(", ")}`);
    return 2;
  }
  const checker = await findChecker(name);
  if (typeof checker === "string") {
    say(`ok | 0 passed | 0 failed | 1 ignored: ${checker}`);
    return 0;
  }
  const program = await compileSuite(checker);
  const cases = (await listCases(program))
    .filter(({ others }) => !bootstrap || others > 0)
    .filter((_, i) => i % every === 0);
  await using _ = Deno.build.os === "linux"
    ? undefined
    : await installServices(program);
  const env = bootstrap ? { CONTRACT_BOOTSTRAP: "1" } : {};
  const outcomes = await runAll(program, cases, checker, env);
  return close(outcomes, failures(outcomes));
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      under: { type: "string" },
      every: { type: "string", default: "1" },
      bootstrap: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
    },
  });
  if (values.under) {
    return await runUnder(
      values.under,
      Number(values.every),
      values.bootstrap,
    );
  }
  const linux = Deno.build.os === "linux";
  const apple = linux && hasPython();
  const [program, documentation] = await Promise.all([
    compileSuite(),
    apple
      ? soon(compileForMacos(), "the compilation for macOS", COMPILE_MS)
      : new Map() as Documentation,
  ]);
  const cases = await listCases(program);
  await using _ = linux ? undefined : await installServices(program);
  const outcomes = await runAll(program, cases, ADDRESS);

  const problems = failures(outcomes);
  const names = new Set(cases.map(({ case: name }) => name));
  if (names.size < cases.length) problems.push("two cases have one name");
  const before = await Deno.readTextFile(DOCUMENT).catch(() => "");
  const text = await formatted(renderDocument(
    cases,
    linux ? columnOf(outcomes) : readColumn(before, "linux"),
    linux
      ? compiledColumn(cases, readColumn(before, "macos"))
      : columnOf(outcomes),
  ));
  say(text);
  if (apple) {
    problems.push(
      ...quoteProblems(cases, documentation, await ourDocumentation()),
    );
  } else if (linux) {
    say(
      "Neither compiled for macOS nor quotations looked up: no python3 with venv.",
    );
  }
  if (values.write && problems.length === 0) {
    await Deno.writeTextFile(DOCUMENT, text);
  } else if (linux && text !== before) {
    problems.push("docs/conformance.md is out of date: run this with --write");
  }
  return close(outcomes, problems);
}

if (import.meta.main) Deno.exit(await main());

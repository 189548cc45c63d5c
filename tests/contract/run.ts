/**
 * `deno task test:contract`: runs the conformance suite, prints its table, and
 * fails when a case does, when a quotation is not in its header, or when
 * `docs/conformance.md` is out of date; `--write` writes that.
 */

import { hasPython } from "../../c/python.ts";
import { ROOT } from "../../c/sources.ts";
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

const DOCUMENT = new URL("docs/conformance.md", ROOT);

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

async function formatted(text: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", "--no-config", "--ext", "md", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  return new TextDecoder().decode((await child.output()).stdout);
}

/** As many at once as there are processors; on macOS one, for all share the services. */
async function runAll(
  program: string,
  cases: readonly Case[],
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const rest = cases.entries();
  const work = async (): Promise<void> => {
    for (const [i, it] of rest) {
      outcomes[i] = await runCase(program, it.case);
    }
  };
  const workers = Deno.build.os === "linux" ? navigator.hardwareConcurrency : 1;
  await Promise.all(Array.from({ length: workers }, work));
  return outcomes;
}

/** The macOS column while nobody has run it there. */
function compiledColumn(cases: readonly Case[], before: Column): Column {
  return new Map(cases.map(({ case: name }) => {
    const cell = before.get(name);
    return [
      name,
      cell && /^(passed|failed|skipped)/.test(cell) ? cell : "compiled",
    ];
  }));
}

async function main(): Promise<number> {
  const linux = Deno.build.os === "linux";
  const apple = linux && hasPython();
  const [program, documentation] = await Promise.all([
    compileSuite(),
    apple ? compileForMacos() : new Map() as Documentation,
  ]);
  const cases = await listCases(program);
  await using _ = linux ? undefined : await installServices(program);
  const outcomes = await runAll(program, cases);

  const problems = outcomes.filter(({ result }) => result === "failed")
    .map(({ case: name, detail }) => `FAILED ${name}: ${detail}`);
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
  if (Deno.args.includes("--write") && problems.length === 0) {
    await Deno.writeTextFile(DOCUMENT, text);
  } else if (linux && text !== before) {
    problems.push("docs/conformance.md is out of date: run this with --write");
  }
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

if (import.meta.main) Deno.exit(await main());

import { assert, assertEquals } from "@std/assert";
import { listTests } from "../../tools/c/sources.ts";
import { run } from "../helpers/child.ts";
import { blocksOf } from "../helpers/markdown.ts";
import { permittedTest } from "../helpers/permitted.ts";

/**
 * "The first ten minutes on a Mac" of docs/macos.md, and the job `macos` of the
 * workflow. Nobody has entered these commands on a Mac, so what can be wrong in
 * them is compared with the checkout.
 */

const ROOT = new URL("../../", import.meta.url);
const STEPS = Array.from({ length: 10 }, (_, i) => `${i + 1}`);

function readText(path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, ROOT));
}

/** The section, without the page's other sections. */
async function section(): Promise<string> {
  const page = await readText("docs/macos.md");
  const [, text] = /^## The first ten minutes on a Mac$([\s\S]*?)^## /m
    .exec(page)!;
  return text!;
}

/** The lines that a reader enters. */
async function entered(): Promise<string[]> {
  return blocksOf(await section())
    .filter(({ language }) => language === "sh")
    .flatMap(({ text }) => text.trimEnd().split("\n"));
}

/** The steps of the job `macos`, as text. */
async function jobSteps(): Promise<string[]> {
  const workflow = await readText(".github/workflows/ci.yml");
  const job = workflow.slice(workflow.indexOf("\n  macos:\n"));
  return job.split(/^ {6}- /m).slice(1);
}

/** All matches of a pattern's group in a text. */
function all(pattern: RegExp, text: string): string[] {
  return [...text.matchAll(pattern)].map(([, found]) => found!);
}

/** `a/{b,c}_test.ts` as `a/b_test.ts` and `a/c_test.ts`. */
function expand(path: string): string[] {
  const [whole, start, names, end] = /^(.*)\{(.*)\}(.*)$/.exec(path) ?? [];
  return whole === undefined
    ? [path]
    : names!.split(",").map((name) => `${start}${name}${end}`);
}

/** Fails if a text has the name of a task, a C test or a test file that the checkout has not. */
async function assertKnown(text: string): Promise<void> {
  const { tasks } = JSON.parse(await readText("deno.json"));
  const named = all(/(?:deno|\$DENO) task ([\w:]+)/g, text);
  assert(named.length > 10);
  assertEquals(named.filter((task) => !(task in tasks)), []);

  const programs = await listTests("darwin");
  const c = all(/task test:c ((?:[a-z]\w+ ?)+)/g, text)
    .flatMap((names) => names.trim().split(" "));
  assert(c.length > 0);
  assertEquals(c.filter((name) => !programs.includes(name)), []);

  const files = all(/(tests\/\S+_test\.ts)/g, text).flatMap(expand);
  assert(files.length > 0);
  for (const file of files) {
    assert((await Deno.stat(new URL(file, ROOT))).isFile);
  }
}

const READ = { read: true } as const;

permittedTest("what a reader enters exists in the checkout", READ, async () => {
  await assertKnown((await entered()).join("\n"));
});

permittedTest(
  "what the workflow runs exists in the checkout",
  READ,
  async () => {
    await assertKnown((await jobSteps()).join("\n"));
  },
);

permittedTest("zsh takes what a reader enters, without comments", {
  read: true,
  run: true,
}, async () => {
  const lines = await entered();
  assertEquals(lines.filter((line) => /(^|\s)#/.test(line)), []);
  for (const line of lines) {
    const { code, stderr } = await run("sh", { args: ["-n"], input: line });
    assertEquals(code, 0, `${line}: ${stderr}`);
  }
});

permittedTest(
  "the page and the workflow have the ten steps in order",
  READ,
  async () => {
    assertEquals(all(/^### (\d+)\. /gm, await section()), STEPS);
    const numbers = (await jobSteps())
      .flatMap((step) => all(/^name: "(\d+): /g, step));
    assertEquals(numbers, numbers.toSorted((a, b) => Number(a) - Number(b)));
    assertEquals([...new Set(numbers)], STEPS);
  },
);

permittedTest(
  "no step of the workflow holds up or prevents the next",
  READ,
  async () => {
    const steps = (await jobSteps()).filter((step) =>
      step.startsWith("name: ")
    );
    const [, ...later] = steps;
    assertEquals(
      steps.filter((step) => !step.includes("\n        timeout-minutes: ")),
      [],
    );
    assertEquals(
      later.filter((step) =>
        !/\n {8}if: \$\{\{ (!cancelled|always)\(\) \}\}\n/.test(step)
      ),
      [],
    );
  },
);

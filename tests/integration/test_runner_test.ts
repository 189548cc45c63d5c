import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Outcome, runStep, type Step } from "../../tools/test/step.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

/** Tests the test runner with tests that hang. */
const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  linux: "/proc",
} as const;
const ROOT = new URL("../../", import.meta.url);
const ALL_MS = 600_000;

function fixture(name: string): string {
  return `tests/fixtures/hangs/${name}.ts`;
}

function stepOf(name: string, mark: string): Step {
  return {
    name: fixture(name),
    command: [
      "/usr/bin/env",
      `HANGS_MARK=${mark}`,
      Deno.execPath(),
      "test",
      "--allow-all",
      "--no-check",
      new URL(fixture(name), ROOT).pathname,
    ],
    alone: false,
    limitSecs: 7,
  };
}

function runs(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

/** Runs a fixture. When it has announced what it does, `late` is the moment of its limit. */
async function runFixture(
  name: string,
  options: { ended: boolean },
): Promise<{ outcome: Outcome; pids: number[] }> {
  const folder = Deno.makeTempDirSync();
  try {
    const mark = `${folder}/mark`;
    const late = new AbortController();
    const running = runStep(stepOf(name, mark), late.signal, 0);
    const exists = (): boolean =>
      [...Deno.readDirSync(folder)].some((entry) => entry.name === "mark");
    await until("the announcement", exists);
    if (options.ended) late.abort();
    const outcome = await soon(running, "the step's end");
    return { outcome, pids: JSON.parse(Deno.readTextFileSync(mark)) };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

for (const name of ["javascript", "native", "stubborn_child"]) {
  permittedTest(
    `a test that hangs is ended at its limit, with all that it has started: ${name}`,
    NEEDS,
    async () => {
      const { outcome, pids } = await runFixture(name, { ended: true });
      assertEquals(outcome.tally, { passed: 0, failed: 1, ignored: 0 });
      assertStringIncludes(
        outcome.failure!,
        "It did not end within its limit, 7 s, and was ended.",
      );
      for (const pid of pids) {
        assertStringIncludes(outcome.failure!, `process ${pid}: `);
        assert(!runs(pid), `${pid} still runs`);
      }
      // The end of the command: the test's output may not have begun.
      assertStringIncludes(outcome.failure!, `tests/fixtures/hangs/${name}.ts`);
    },
  );
}

permittedTest(
  "a test that passes and leaves a process behind has failed",
  NEEDS,
  async () => {
    const { outcome, pids } = await runFixture("leaves_a_child", {
      ended: false,
    });
    assertEquals(outcome.tally, { passed: 1, failed: 0, ignored: 0 });
    assertStringIncludes(
      outcome.failure!,
      `It passed, and left behind what had to be ended:\n  process ${
        pids[0]
      }: `,
    );
    assert(!runs(pids[0]!));
  },
);

permittedTest(
  "the rest runs on, what hung is reported, and the exit status says so",
  { ...NEEDS, exhaustive: true },
  async () => {
    const names = ["javascript", "passes", "native", "stubborn_child"];
    const { code, stdout } = await soon(
      new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--allow-all",
          "--no-check",
          "tools/test/main.ts",
          "--limit",
          "60",
          ...names.map(fixture),
        ],
        cwd: ROOT,
        stdout: "piped",
        stderr: "inherit",
      }).output(),
      "the run",
      ALL_MS,
    );
    const said = new TextDecoder().decode(stdout);
    assertEquals(code, 1);
    for (const name of names) {
      const as = name === "passes" ? "ok    " : "FAILED";
      assertStringIncludes(said, `${as} ${fixture(name)}`);
    }
    assertStringIncludes(said, "is ignored (ignored: it shows how)");
    assert(said.endsWith("\n1 passed, 3 failed, 1 skipped\n"), said);
  },
);

import { assertEquals } from "@std/assert";
import {
  type ProgramOptions,
  type ProgramResult,
  runProgram,
  TIMED_OUT,
} from "../../../launchd/run_program.ts";
import { permittedTest } from "../../helpers/permitted.ts";
import { PATIENCE_MS, soon } from "../../helpers/soon.ts";

const NEEDS = { run: true } as const;

function runScript(
  script: string,
  options?: ProgramOptions,
): Promise<ProgramResult | undefined> {
  return soon(runProgram("/bin/sh", ["-c", script], options), script);
}

permittedTest("runProgram: code and both streams", NEEDS, async () => {
  assertEquals(
    await runScript("echo out; echo err >&2; exit 3"),
    { code: 3, stdout: "out\n", stderr: "err\n" },
  );
  assertEquals((await runScript("kill -9 $$"))?.code, 137);
});

permittedTest(
  "runProgram: a program that is not there is undefined",
  NEEDS,
  async () => {
    assertEquals(
      await soon(runProgram("/nowhere/at-all", []), "its absence"),
      undefined,
    );
  },
);

permittedTest(
  "runProgram: what comes is told as it comes, and the input ends when it may",
  NEEDS,
  async () => {
    const may = Promise.withResolvers<void>();
    let told = "";
    const ran = await runScript("printf 'é'; cat; echo done", {
      stdinUntil: may.promise,
      onStdout: (text) => {
        told += text;
        may.resolve();
      },
    });
    assertEquals([ran, told], [{ code: 0, stdout: "", stderr: "" }, "édone\n"]);
  },
);

/**
 * Runs a script that does not end by itself, and is killed at its time limit.
 * Doubles the limit until the script has written something within it.
 */
async function runOutOfTime(
  script: string,
  options: ProgramOptions,
): Promise<ProgramResult> {
  for (let timeoutMs = 100; timeoutMs < PATIENCE_MS; timeoutMs *= 2) {
    const ran = await runScript(script, { ...options, timeoutMs });
    assertEquals(ran?.code, TIMED_OUT);
    if (ran!.stdout !== "") return ran!;
  }
  throw new Error("what it wrote was not kept");
}

permittedTest(
  "runProgram: one that takes too long is killed, and what it left behind is not waited for",
  NEEDS,
  async () => {
    // Both scripts leave a `cat`, which ends with its input.
    const over = Promise.withResolvers<void>();
    try {
      for (
        const script of [
          "echo here; exec cat",
          "exec 3<&0; cat <&3 & echo here",
        ]
      ) {
        const ran = await runOutOfTime(script, { stdinUntil: over.promise });
        assertEquals(ran, { code: TIMED_OUT, stdout: "here\n", stderr: "" });
      }
    } finally {
      over.resolve();
    }
  },
);

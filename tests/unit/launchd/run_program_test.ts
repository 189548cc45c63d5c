import { assertEquals } from "@std/assert";
import { runProgram, TIMED_OUT } from "../../../launchd/run_program.ts";
import { permittedTest } from "../../helpers/permitted.ts";
import { soon } from "../../helpers/soon.ts";

const NEEDS = { run: true } as const;
const sh = (script: string): readonly string[] => ["-c", script];

permittedTest("runProgram: code and both streams", NEEDS, async () => {
  assertEquals(
    await runProgram("/bin/sh", sh("echo out; echo err >&2; exit 3")),
    { code: 3, stdout: "out\n", stderr: "err\n" },
  );
  assertEquals((await runProgram("/bin/sh", sh("kill -9 $$")))?.code, 137);
});

permittedTest(
  "runProgram: a program that is not there is undefined",
  NEEDS,
  async () => {
    assertEquals(await runProgram("/nowhere/at-all", []), undefined);
  },
);

permittedTest(
  "runProgram: what comes is told as it comes, and the input ends when it may",
  NEEDS,
  async () => {
    const may = Promise.withResolvers<void>();
    let told = "";
    const ran = await soon(
      runProgram("/bin/sh", sh("printf 'é'; cat; echo done"), {
        stdinUntil: may.promise,
        onStdout: (text) => {
          told += text;
          may.resolve();
        },
      })!,
      "its end",
    );
    assertEquals([ran, told], [{ code: 0, stdout: "", stderr: "" }, "édone\n"]);
  },
);

permittedTest(
  "runProgram: one that takes too long is killed, and what it left behind is not waited for",
  NEEDS,
  async () => {
    for (
      const [script, stdout] of [
        ["echo here; exec sleep 60", "here\n"],
        ["sleep 5 & echo here", "here\n"],
      ] as const
    ) {
      const ran = await soon(
        runProgram("/bin/sh", sh(script), { timeoutMs: 500 }),
        script,
      );
      assertEquals(ran, { code: TIMED_OUT, stdout, stderr: "" });
    }
  },
);

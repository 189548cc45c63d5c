import { assertEquals, assertRejects } from "@std/assert";
import { describeEnd, runToEnd } from "../../../tools/programs.ts";
import { permittedTest } from "../../helpers/permitted.ts";
import { PATIENCE_MS } from "../../helpers/soon.ts";

const NEEDS = { run: true } as const;

/** The result of a shell script. */
function shell(
  script: string,
  options: Partial<Parameters<typeof runToEnd>[1]> = {},
): ReturnType<typeof runToEnd> {
  return runToEnd("/bin/sh", {
    args: ["-c", script],
    limitMs: PATIENCE_MS,
    ...options,
  });
}

for (const sharesSession of [false, true]) {
  const where = sharesSession ? "in the session of its caller" : "in its own";

  permittedTest(
    `a program gets its input, and its output is read, ${where}`,
    NEEDS,
    async () => {
      const ended = await shell("cat; echo problem >&2; exit 3", {
        input: "hello",
        sharesSession,
      });
      assertEquals(ended, {
        code: 3,
        signal: null,
        stdout: "hello",
        stderr: "problem\n",
        late: false,
        left: false,
      });
      assertEquals(describeEnd(ended, PATIENCE_MS), "it ended with 3");
    },
  );

  permittedTest(
    `a program that is late is killed with its children, ${where}`,
    NEEDS,
    async () => {
      // If the child were not killed, the output would stay open.
      const ended = await shell("echo begun; sleep 600; echo never", {
        limitMs: 500,
        sharesSession,
      });
      assertEquals(ended.late, true);
      assertEquals(ended.signal, "SIGKILL");
      assertEquals(
        describeEnd(ended, 500),
        "it did not end within 0.5 s, and was killed",
      );
    },
  );

  permittedTest(
    `a program that does not read its input ends all the same, ${where}`,
    NEEDS,
    async () => {
      const input = "x".repeat(1 << 20);
      assertEquals((await shell("exit 0", { input, sharesSession })).code, 0);
    },
  );

  permittedTest(
    `a program is stopped by a signal, ${where}`,
    NEEDS,
    async () => {
      const stop = AbortSignal.abort();
      const ended = await shell("sleep 600", { stop, sharesSession });
      assertEquals([ended.signal, ended.late], ["SIGKILL", false]);
    },
  );
}

permittedTest("a program that does not exist is an error", NEEDS, async () => {
  await assertRejects(
    () => runToEnd("/no/such/program", { limitMs: PATIENCE_MS }),
    Deno.errors.NotFound,
  );
});

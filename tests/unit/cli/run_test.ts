import { assertEquals, assertStringIncludes } from "@std/assert";
import { NotStarted, type TreeOptions } from "../../../cli/terminal/console.ts";
import { BridgeError } from "../../../proto/errors.ts";
import { TestConsole } from "../../helpers/cli.ts";

/** A console on which `run` has this outcome, and the options with which it was called. */
function running(
  outcome: number | Error,
): { console: TestConsole; asked: TreeOptions[] } {
  const console = new TestConsole();
  const asked: TreeOptions[] = [];
  console.runTree = (options) => {
    asked.push(options);
    options.started();
    return outcome instanceof Error
      ? Promise.reject(outcome)
      : Promise.resolve(outcome);
  };
  return { console, asked };
}

Deno.test("run: its exit code is the program's", async () => {
  for (const code of [0, 1, 7, 130, 255]) {
    const { console, asked } = running(code);
    assertEquals(await console.run("run -- make -j 4 all"), code);
    const [{ program, args, service, isolated, verbose } = {} as TreeOptions] =
      asked;
    assertEquals(
      [program, args, service, isolated, verbose],
      [
        "make",
        ["-j", "4", "all"],
        "com.tatolab.streamlib.broker",
        false,
        false,
      ],
    );
    assertEquals(console.out.text + console.err.text, "");
    assertEquals(console.givenUp, ["sys", "run", "ffi"]);
  }
});

Deno.test("run: its options", async () => {
  const { console, asked } = running(0);
  await console.run("run --isolated --no-broker --verbose x --verbose");
  const [{ args, service, isolated, verbose } = {} as TreeOptions] = asked;
  assertEquals([args, service, isolated, verbose], [
    ["--verbose"],
    undefined,
    true,
    true,
  ]);
});

Deno.test("run: the broker has the name that the environment gives it", async () => {
  const { console, asked } = running(0);
  console.env.clear(); // no home directory is needed
  console.env.set("STREAMLIB_BROKER_XPC_SERVICE", "com.example.mine");
  assertEquals(await console.run("run x"), 0);
  assertEquals(asked[0]?.service, "com.example.mine");
  console.env.set("STREAMLIB_BROKER_XPC_SERVICE", "a/b");
  assertEquals(await console.run("run x"), 2);
});

Deno.test("run: a program that cannot be started has the exit code of a shell", async () => {
  const missing = new NotStarted(new Deno.errors.NotFound("entity not found"));
  const closed = new NotStarted(
    new Deno.errors.PermissionDenied("Permission denied (os error 13)"),
  );
  const table: [line: string, outcome: Error, code: number, words: string][] = [
    ["run x", missing, 127, "Cannot run 'x': there is no such program"],
    ["run ./x", missing, 127, "or the interpreter that its first line names"],
    ["run x", closed, 126, "Cannot run 'x': Permission denied"],
    ["run \u001b[2J", missing, 127, "'\\u001b[2J'"],
  ];
  for (const [line, outcome, code, words] of table) {
    const { console } = running(outcome);
    assertEquals(await console.run(line), code);
    assertStringIncludes(console.err.text, words);
  }
});

Deno.test("run: without a bootstrap nothing is run, and that is a failure of its own", async () => {
  const fault = new BridgeError("native_failure", "Cannot make a bootstrap: x");
  const { console } = running(fault);
  assertEquals(await console.run("run make"), 1);
  assertEquals(console.err.text, "streamlib: Cannot make a bootstrap: x\n");
});

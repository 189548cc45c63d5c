import { assertEquals, assertThrows } from "@std/assert";
import {
  type DemoOptions,
  DemoUsageError,
  readDemoOptions,
} from "../../../demo/options.ts";

const read = (...args: string[]): DemoOptions =>
  readDemoOptions(args) as DemoOptions;

Deno.test("--python takes an interpreter, or none, and no argument that is not its own", () => {
  assertEquals(read().python, undefined);
  assertEquals(read("--python").python, "");
  assertEquals(read("--python=.venv/bin/python").python, ".venv/bin/python");
  assertEquals(read("--python", "--json").json, true);
  assertThrows(
    () => read("--python="),
    DemoUsageError,
    "--python needs a value",
  );
  assertThrows(() => read("--python", "python3"), DemoUsageError, "python3");
});

Deno.test("--preview takes a port, or none, and no argument that is not its own", () => {
  assertEquals(read().preview, undefined);
  assertEquals(read("--preview").preview, 0);
  assertEquals(read("--preview=8080").preview, 8080);
  const { preview, frames, json } = read(
    "--preview",
    "--frames",
    "5",
    "--json",
  );
  assertEquals([preview, frames, json], [0, 5, true]);
  for (const value of ["65536", "-1", "x", "80x", "1.5"]) {
    assertThrows(
      () => read(`--preview=${value}`),
      DemoUsageError,
      "--preview takes a port from 0 to 65535",
    );
  }
  assertThrows(
    () => read("--preview="),
    DemoUsageError,
    "--preview needs a value",
  );
  assertThrows(() => read("--preview", "8080"), DemoUsageError, "8080");
});

Deno.test("a value may begin with a dash, and - is standard input", () => {
  assertEquals(read("--input", "-x.y4m", "--json").input, "-x.y4m");
  assertEquals(read("--input=--x.y4m").input, "--x.y4m");
  assertEquals(read("--input", "-").input, "-");
  assertEquals(read("--snapshot", "a b.png").snapshot, "a b.png");
  for (const args of [["--input"], ["--input", "--json"], ["--input="]]) {
    assertThrows(() => read(...args), DemoUsageError, "--input needs a value");
  }
});

Deno.test("wrong values are refused, escaped and cut", () => {
  const cases: [args: string[], says: string][] = [
    [["--frames", "0"], "--frames takes a whole number from 1 to 1000000"],
    [["--frames", "-5"], 'not "-5"'],
    [["--frames", "1e9"], 'not "1e9"'],
    [["--size", "0x0"], 'not "0x0"'],
    [["--size", "9000x16"], "from 16 to 8192"],
    [["--size", "-16x16"], 'not "-16x16"'],
    [["--size", "99999999999999999999x16"], "from 16 to 8192"],
    [["--size", "\x1b[31m\x9b"], '"\\u001b[31m\\u009b"'],
    [["--size", "x".repeat(1000)], 'x…"'],
    [["--snapshot", "-"], "not standard output"],
    [["film\x1b.mp4"], 'unknown argument "film\\u001b.mp4"'],
    [["--fps", "30"], 'unknown argument "--fps"'],
  ];
  for (const [args, says] of cases) {
    assertThrows(() => read(...args), DemoUsageError, says);
  }
});

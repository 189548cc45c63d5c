import { assertEquals, assertThrows } from "@std/assert";
import { BenchUsageError, readOptions } from "../../bench/options.ts";

Deno.test("without arguments the bench measures everything once, for a reader", () => {
  assertEquals(readOptions([]), {
    extent: "full",
    only: new RegExp("", "i"),
    runs: 1,
    output: "text",
    report: undefined,
  });
});

Deno.test("the options of the bench are read", () => {
  assertEquals(
    readOptions([
      "--quick",
      "--json",
      "--only",
      "wake|stream",
      "--runs=5",
      "--report",
      "out",
    ]),
    {
      extent: "quick",
      only: /wake|stream/i,
      runs: 5,
      output: "json",
      report: "out",
    },
  );
  assertEquals(readOptions(["-h"]), "help");
});

Deno.test("wrong arguments of the bench are refused with what is wrong", () => {
  const refused = (...args: string[]): string =>
    assertThrows(() => readOptions(args), BenchUsageError).message;
  assertEquals(refused("--fast"), 'unknown argument "--fast"');
  assertEquals(refused("--json", "--list"), "--json and --list: choose one");
  assertEquals(
    refused("--runs", "0"),
    "--runs takes a number from 1 to 99, not '0'",
  );
  assertEquals(refused("--only", "(").startsWith("--only: "), true);
});

import { assertEquals } from "@std/assert";
import { CommandError, EXIT, exitCodeOf } from "../../../cli/exit.ts";
import { BridgeError, type ErrorCode } from "../../../proto/errors.ts";

Deno.test("exit: a broker that is not there is told from one that refuses, and a bug has no code", () => {
  const table: [code: ErrorCode, exit: number][] = [
    ["broker_unreachable", 3],
    ["broker_lost", 3],
    ["timed_out", 3],
    ["bad_argument", 2],
    ["not_permitted", 1],
    ["version_mismatch", 1],
  ];
  for (const [code, exit] of table) {
    assertEquals(exitCodeOf(new BridgeError(code, "")), exit, code);
  }
  assertEquals(exitCodeOf(new CommandError(EXIT.notFound, "", "")), 4);
  assertEquals(exitCodeOf(new TypeError("a bug")), undefined);
});

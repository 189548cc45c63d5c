import { assertEquals } from "@std/assert";
import { tallyOf } from "../../../../tools/test/step.ts";

Deno.test("the closing lines of a command are added up", () => {
  assertEquals(
    tallyOf(
      "ok | 12 passed (3 steps) | 0 failed | 1 ignored (2s)\nx\nok | 149 passed | 0 failed | 0 ignored | C tests under valgrind\n",
      true,
    ),
    { passed: 161, failed: 0, ignored: 1 },
  );
  assertEquals(tallyOf("FAILED | 2 passed | 1 failed (1s)\n", false), {
    passed: 2,
    failed: 1,
    ignored: 0,
  });
});

Deno.test("a command that counts nothing is one test", () => {
  assertEquals(tallyOf("", true), { passed: 1, failed: 0, ignored: 0 });
  assertEquals(tallyOf("ok, it says", false), {
    passed: 0,
    failed: 1,
    ignored: 0,
  });
});

Deno.test("a command that fails has failed, whatever it counts", () => {
  assertEquals(tallyOf("ok | 5 passed | 0 failed\n", false), {
    passed: 5,
    failed: 1,
    ignored: 0,
  });
});

import { assertEquals, assertStringIncludes } from "@std/assert";
import { exhaustion, exhaustionAdvice } from "../../../proto/exhaustion.ts";

Deno.test("what this process lacks is named, with what to do", () => {
  const says: [string, string][] = [
    ["Too many open files (os error 24)", "ulimit -n"],
    ["Too many open files in system", "fs.file-max"],
    ["cannot watch a socket: Cannot allocate memory", "memory"],
    ["File too large (os error 27)", "ulimit -f"],
    ["cannot start a thread: Resource temporarily unavailable", "ulimit -u"],
    ["this user has too many processes and threads: raise it", "ulimit -u"],
    ["this process may write no larger file: its limit is 0", "ulimit -f"],
    ["this process has no free descriptor: its limit is 8", "ulimit -n"],
  ];
  for (const [text, words] of says) {
    assertStringIncludes(exhaustion(text)!, words);
  }
  assertEquals(
    exhaustion("the other side has closed the connection"),
    undefined,
  );
});

Deno.test("what a text says itself is not said again", () => {
  const says = "this process has no free descriptor; raise it with `ulimit -n`";
  assertEquals(exhaustionAdvice(says), undefined);
  assertStringIncludes(exhaustionAdvice("Too many open files")!, "ulimit -n");
});

import { assertEquals, assertStringIncludes } from "@std/assert";
import { exhaustion } from "../../../proto/exhaustion.ts";

Deno.test("what this process lacks is named, with what to do", () => {
  const says: [string, string][] = [
    ["Too many open files (os error 24)", "ulimit -n"],
    ["Too many open files in system", "fs.file-max"],
    ["cannot watch a socket: Cannot allocate memory", "memory"],
    ["File too large (os error 27)", "ulimit -f"],
    ["cannot start a thread: Resource temporarily unavailable", "ulimit -u"],
  ];
  for (const [text, words] of says) {
    assertStringIncludes(exhaustion(text)!, words);
  }
  assertEquals(
    exhaustion("the other side has closed the connection"),
    undefined,
  );
});

import { assertEquals, assertStringIncludes } from "@std/assert";
import { ownEnd } from "../../../ffi/end_reason.ts";

Deno.test("a channel that this side has ended: what was malformed, or what this process lacks", () => {
  const malformed = ownEnd(
    "the client",
    "a packet was refused: a value is cut short",
  )!;
  assertEquals(malformed.code, "malformed_message");
  assertStringIncludes(malformed.reason, "the client sent");
  assertStringIncludes(malformed.reason, "a value is cut short");
  const own = ownEnd(
    "the client",
    "a packet was refused: Too many open files",
  )!;
  assertEquals(own.code, "native_failure");
  assertStringIncludes(own.reason, "this process has no free descriptor");
});

Deno.test("a channel that the other side has ended is not this side's", () => {
  for (
    const reason of ["", "the other side has closed the connection or died"]
  ) {
    assertEquals(ownEnd("the client", reason), undefined);
  }
});

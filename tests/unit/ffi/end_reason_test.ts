import { assertEquals, assertStringIncludes } from "@std/assert";
import { knownEnd } from "../../../ffi/end_reason.ts";
import {
  END_REASON,
  END_TOLD,
  endCodeOf,
  isTold,
} from "../../../ffi/status.ts";

/** The end of a channel to the client, by the shim's code. */
function ended(why: number, reason = "it is so") {
  return knownEnd("the client", reason, endCodeOf(why), isTold(why));
}

Deno.test("a channel that this side has ended: what was malformed, what was not read, what this process lacks", () => {
  assertEquals(ended(END_REASON.malformed), {
    code: "malformed_message",
    reason: "the channel to the client ended: it is so",
  });
  assertEquals(ended(END_REASON.outbox)?.code, "outbox_full");
  assertEquals(ended(END_REASON.exhausted)?.code, "native_failure");
});

Deno.test("a channel that the other side has ended is not this side's", () => {
  // Whatever the words are: only the code says who has ended it.
  for (const reason of ["", "a packet was refused: Too many open files"]) {
    assertEquals(ended(END_REASON.unknown, reason), undefined);
  }
});

Deno.test("a channel that the other side has ended with a reason", () => {
  const told = (why: number) => ended(END_TOLD + why);
  assertEquals(told(END_REASON.malformed)?.code, "malformed_message");
  assertEquals(told(END_REASON.outbox)?.code, "outbox_full");
  assertStringIncludes(told(END_REASON.outbox)!.reason, "it is so");
  // The other process lacks a resource, not this one.
  assertEquals(told(END_REASON.exhausted)?.code, "channel_lost");
});

import { assert } from "@std/assert";
import { sameToken } from "../../../proto/token.ts";

Deno.test("sameToken: equal or not, whatever the length and the characters", () => {
  assert(sameToken("", ""));
  assert(sameToken("äb", "äb"));
  assert(!sameToken("ab", "ac"));
  assert(!sameToken("ab", "abc"));
  assert(!sameToken("ab", ""));
  assert(!sameToken("aa", "ä"));
});

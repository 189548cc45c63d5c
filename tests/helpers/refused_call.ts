import { assertEquals, assertRejects } from "@std/assert";
import { BridgeError, type ErrorCode } from "../../proto/errors.ts";

/** Asserts that `call` fails with this code, and returns what it says. */
export async function refusedCall(
  call: Promise<unknown>,
  code: ErrorCode,
): Promise<string> {
  const error = await assertRejects(() => call, BridgeError);
  assertEquals(error.code, code, error.message);
  return error.message;
}

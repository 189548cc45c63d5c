import { assertEquals, assertThrows } from "@std/assert";
import { BridgeError, type ErrorCode } from "../../proto/errors.ts";

/** Asserts that `run` throws a BridgeError of exactly this code and text. */
export function assertRefused(
  run: () => unknown,
  code: ErrorCode,
  message: string,
): void {
  const error = assertThrows(run, BridgeError);
  assertEquals({ code: error.code, message: error.message }, { code, message });
}

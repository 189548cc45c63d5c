import { assertEquals } from "@std/assert";
import {
  decideRestart,
  FIRST_PAUSE_MS,
  GOOD_RUN_MS,
  MAX_PAUSE_MS,
  MAX_RESTARTS_IN_A_ROW,
} from "../../../host/restart.ts";
import { BridgeError, type ErrorCode } from "../../../proto/errors.ts";

const crash = new BridgeError("client_failed", "was killed");

Deno.test("'never' never restarts", () => {
  assertEquals(decideRestart("never", crash, 0, 1e9), { restart: false });
});

Deno.test("failures in a row: each pause is twice the last, up to a bound, then the host gives up", () => {
  const pauses: number[] = [];
  let inARow = 0;
  while (true) {
    const decision = decideRestart("on-failure", crash, inARow, 0);
    if (!decision.restart) break;
    assertEquals(decision.inARow, inARow + 1);
    inARow = decision.inARow;
    pauses.push(decision.pauseMs);
  }
  assertEquals(pauses.length, MAX_RESTARTS_IN_A_ROW);
  assertEquals(pauses[0], FIRST_PAUSE_MS);
  for (let i = 1; i < pauses.length; i++) {
    assertEquals(pauses[i], Math.min(MAX_PAUSE_MS, pauses[i - 1]! * 2));
  }
  assertEquals(pauses.at(-1), MAX_PAUSE_MS);
});

Deno.test("a client that ran well starts the count anew", () => {
  const late = decideRestart(
    "on-failure",
    crash,
    MAX_RESTARTS_IN_A_ROW,
    GOOD_RUN_MS,
  );
  assertEquals(late, { restart: true, pauseMs: FIRST_PAUSE_MS, inARow: 1 });
  assertEquals(
    decideRestart("on-failure", crash, MAX_RESTARTS_IN_A_ROW, GOOD_RUN_MS - 1),
    { restart: false },
  );
});

Deno.test("what a second attempt can only repeat is not attempted", () => {
  const decided = (code: ErrorCode): boolean =>
    decideRestart("on-failure", new BridgeError(code, ""), 0, 0).restart;
  for (
    const code of [
      "bad_argument",
      "library_not_found",
      "not_permitted",
      "schema_mismatch",
      "version_mismatch",
    ] as const
  ) assertEquals(decided(code), false, code);
  for (
    const code of [
      "broker_unreachable",
      "client_failed",
      "handshake_failed",
      "native_failure",
      "timed_out",
    ] as const
  ) assertEquals(decided(code), true, code);
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { SessionRate } from "../../../../broker/grpc/session_rate.ts";
import {
  MAX_SESSIONS_AT_ONCE,
  SESSIONS_PER_SEC,
} from "../../../../proto/limits.ts";
import { testProcess } from "../../../helpers/registry.ts";

/** How many connections the process may open now. */
function opened(
  rate: SessionRate,
  pid: number | undefined,
  now: number,
): number {
  const process = pid === undefined ? undefined : testProcess(pid);
  let count = 0;
  while (count < 10_000 && rate.refusal(process, now) === undefined) count++;
  return count;
}

Deno.test("session rate: so many at once, to the one, and more with time", () => {
  const rate = new SessionRate();
  assertEquals(opened(rate, 1, 0), MAX_SESSIONS_AT_ONCE);
  assertEquals(opened(rate, 1, 1_000), SESSIONS_PER_SEC);
  assertEquals(opened(rate, 1, 1_100), 0);
  assertEquals(opened(rate, 1, 3_600_000), MAX_SESSIONS_AT_ONCE);
});

Deno.test("session rate: one process takes nothing from another", () => {
  const rate = new SessionRate();
  opened(rate, 1, 0);
  assertEquals(opened(rate, 2, 0), MAX_SESSIONS_AT_ONCE);
  assertEquals(opened(rate, undefined, 0), MAX_SESSIONS_AT_ONCE);
  assertEquals(opened(rate, undefined, 0), 0);
});

Deno.test("session rate: a refusal names the process and what to do", () => {
  const rate = new SessionRate();
  opened(rate, 7, 0);
  const why = rate.refusal(testProcess(7), 0)!;
  assertStringIncludes(why, "process 7 has opened");
  assertStringIncludes(why, "keep one");
});

Deno.test("session rate: processes with a full allowance are forgotten", () => {
  const rate = new SessionRate();
  for (let pid = 1; pid <= 500; pid++) rate.refusal(testProcess(pid), 0);
  assertEquals(rate.size, 500);
  rate.refusal(testProcess(501), 3_600_000);
  assert(rate.size === 1, `${rate.size} are remembered`);
});

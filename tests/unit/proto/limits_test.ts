import { assert } from "@std/assert";
import * as limits from "../../../proto/limits.ts";

Deno.test("limits: the largest schema leaves room for the rest of its gRPC message", () => {
  const rest = 9 * limits.MAX_NAME_BYTES;
  assert(limits.MAX_SCHEMA_BYTES + rest < limits.MAX_GRPC_MESSAGE_BYTES);
});

Deno.test("limits: a flood of 10,000 allocations meets the quota of its process, not the broker's", () => {
  const ofOne = limits.MAX_CONNECTIONS / limits.PROCESS_SHARE;
  assert(ofOne < 10_000);
  assert(limits.MAX_CONNECTIONS > 2 * ofOne);
});

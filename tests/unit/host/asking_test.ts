import { assertEquals } from "@std/assert";
import { hostCalls } from "../../../host/asking.ts";
import type { ClientRequests } from "../../../host/client_requests.ts";
import type { CallMap } from "../../../proto/schema/call_types.ts";

/** The calls of a host, and the names that were called. */
function calls() {
  const called: string[] = [];
  const requests = {
    call(name: string) {
      called.push(name);
      return Promise.resolve({});
    },
  } as unknown as ClientRequests;
  return { call: hostCalls<CallMap>(requests), called };
}

Deno.test("every name that a call can have is called", async () => {
  const { call, called } = calls();
  for (const name of ["row", "json", "catch", "_"]) await call[name]!();
  assertEquals(called, ["row", "json", "catch", "_"]);
});

Deno.test("what the language asks of any object is not a call", async () => {
  const { call, called } = calls();
  assertEquals(JSON.stringify({ call }), '{"call":{}}');
  assertEquals(`${call}`, "[object Object]");
  assertEquals(Number(call), NaN);
  assertEquals(await call as unknown, call);
  assertEquals(call.constructor, Object);
  assertEquals(Object.prototype.toString.call(call), "[object Object]");
  assertEquals([call["then"], call["toJSON"]], [undefined, undefined]);
  assertEquals(Deno.inspect(call), "{}");
  assertEquals(structuredClone({ ...call }), {});
  assertEquals(called, []);
});

import { assertEquals } from "@std/assert";
import { identifyBy } from "../../../../broker/registry/process.ts";

Deno.test("processes: an id and its start name one, and what cannot be told is who was there last", () => {
  let started = 5n;
  const identify = identifyBy(() => started);
  const first = identify(42);
  assertEquals(first, { key: "42@5", pid: 42 });
  started = 0n;
  assertEquals([identify(42), identify(43).key], [first, "43@0"]);
  started = 9n;
  assertEquals(identify(42).key, "42@9");
});

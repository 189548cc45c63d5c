import { assertEquals, assertStringIncludes } from "@std/assert";
import { createQuotas } from "../../../../broker/registry/quotas.ts";
import {
  type Registration,
  Runtimes,
} from "../../../../broker/registry/runtimes.ts";
import { RUNTIME_STALE_MS } from "../../../../proto/limits.ts";
import { FakeClock } from "../../../helpers/fake_world.ts";
import { testProcess } from "../../../helpers/registry.ts";

const NOBODY: ReadonlySet<string> = new Set();

function registration(
  id: string,
  rest: Partial<Registration> = {},
): Registration {
  return {
    id,
    name: `name of ${id}`,
    apiEndpoint: "unix:/api",
    logPath: "/log",
    pid: 1,
    peer: undefined,
    ...rest,
  };
}

function ids(runtimes: readonly { id: string }[]): string[] {
  return runtimes.map(({ id }) => id);
}

Deno.test("runtimes: registering again replaces what was known, and comes last", () => {
  const clock = new FakeClock();
  const runtimes = new Runtimes(clock.now);
  runtimes.register(registration("a"));
  runtimes.register(registration("b"));
  clock.advance(5);
  assertEquals(runtimes.register(registration("a", { pid: 2 })), undefined);
  assertEquals(ids(runtimes.list()), ["b", "a"]);
  assertEquals(runtimes.get("a")?.pid, 2);
  assertEquals(runtimes.get("a")?.registeredAt, clock.now());
});

Deno.test("runtimes: unregistering says whether there was one", () => {
  const runtimes = new Runtimes(() => 0);
  runtimes.register(registration("a"));
  assertEquals(runtimes.unregister("a"), true);
  assertEquals(runtimes.unregister("a"), false);
  assertEquals(runtimes.get("a"), undefined);
});

Deno.test("runtimes: an XPC runtime is dead with its peer, and not before", () => {
  const clock = new FakeClock();
  const runtimes = new Runtimes(clock.now);
  runtimes.register(registration("mine", { peer: 1 }));
  runtimes.register(registration("other", { peer: 2 }));
  clock.advance(10 * RUNTIME_STALE_MS);
  assertEquals(runtimes.prune(NOBODY), []);
  runtimes.peerLost(1);
  assertEquals(ids(runtimes.list()), ["mine", "other"]);
  // Its connections end with it, so one that is not over yet does not keep it alive.
  assertEquals(ids(runtimes.prune(new Set(["mine"]))), ["mine"]);
  assertEquals(ids(runtimes.list()), ["other"]);
});

Deno.test("runtimes: a gRPC runtime is dead when it was silent for long and has no connection", () => {
  const clock = new FakeClock();
  const runtimes = new Runtimes(clock.now);
  runtimes.register(registration("a"));
  clock.advance(RUNTIME_STALE_MS - 1);
  assertEquals(runtimes.prune(NOBODY), []);
  clock.advance(1);
  assertEquals(runtimes.prune(new Set(["a"])), []);
  assertEquals(ids(runtimes.prune(NOBODY)), ["a"]);
  assertEquals(runtimes.prune(NOBODY), []);
});

Deno.test("runtimes: the end of a peer that registered before does not end who came after it", () => {
  const runtimes = new Runtimes(() => 0);
  runtimes.register(registration("a", { peer: 1 }));
  runtimes.register(registration("a", { peer: 2 }));
  runtimes.peerLost(1);
  assertEquals(runtimes.get("a")?.ended, false);
});

Deno.test("runtimes: of those with one name the last that lives is found", () => {
  const runtimes = new Runtimes(() => 0);
  const name = "camera";
  runtimes.register(registration("old", { name }));
  runtimes.register(registration("new", { name }));
  runtimes.register(registration("ended", { name, peer: 1 }));
  runtimes.peerLost(1);
  assertEquals(runtimes.named(name)?.id, "new");
  runtimes.unregister("old");
  runtimes.unregister("new");
  assertEquals(runtimes.named(name)?.id, "ended");
  assertEquals(runtimes.named("nobody"), undefined);
});

Deno.test("runtimes: quotas hold to the one, and an ended runtime makes room", () => {
  const quotas = createQuotas({ runtimes: 5 });
  const runtimes = new Runtimes(() => 0, quotas);
  const register = (id: string, pid: number): string | undefined =>
    runtimes.register(
      registration(id, { peer: pid, process: testProcess(pid) }),
    );
  assertEquals([register("a", 1), register("b", 1)], [undefined, undefined]);
  assertEquals(
    register("c", 1),
    "Cannot register a runtime: process 1 has 2 of 2 runtimes, the limit of one process; end some, or start the broker with a higher --limits runtimes=5",
  );
  // A known runtime that registers again does not count twice.
  assertEquals(register("b", 1), undefined);
  for (const pid of [2, 3, 4]) assertEquals(register(`${pid}`, pid), undefined);
  assertStringIncludes(register("5", 5)!, "have 5 of 5 runtimes");
  assertEquals(quotas.runtimes.used, 5);
  runtimes.peerLost(1);
  assertEquals(register("c", 1), undefined);
  assertEquals(register("5", 5), undefined);
  assertEquals(ids(runtimes.list()), ["2", "3", "4", "c", "5"]);
});

Deno.test("runtimes: one that was refused leaves what was known", () => {
  const quotas = createQuotas({ bytes: 4_000 });
  const runtimes = new Runtimes(() => 0, quotas);
  const known = registration("a", { process: testProcess(1) });
  assertEquals(runtimes.register(known), undefined);
  assertStringIncludes(
    runtimes.register({ ...known, logPath: "/".repeat(600) })!,
    "process 1 has 0 of 1000 bytes",
  );
  assertEquals(runtimes.get("a")?.logPath, "/log");
});

Deno.test("runtimes: the status is the kernel's word over XPC, and over gRPC what is heard", () => {
  const clock = new FakeClock();
  const runtimes = new Runtimes(clock.now);
  runtimes.register(registration("x", { peer: 1 }));
  runtimes.register(registration("g"));
  const status = (id: string, inUse = false): string =>
    runtimes.status(runtimes.get(id)!, inUse);
  assertEquals([status("x"), status("g"), status("g", true)], [
    "alive",
    "unknown",
    "alive",
  ]);
  clock.advance(RUNTIME_STALE_MS);
  runtimes.peerLost(1);
  assertEquals([status("x", true), status("g"), status("g", true)], [
    "dead",
    "dead",
    "alive",
  ]);
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Registry } from "../../../../broker/registry/registry.ts";
import type {
  Entry,
  Rejection,
} from "../../../../broker/registry/registry_types.ts";
import { derivedState } from "../../../../proto/states/connection_record.ts";
import { RETENTION_MS } from "../../../../proto/limits.ts";
import { letters } from "../../../helpers/connection_events.ts";
import { type FakeEndpoint, FakeWorld } from "../../../helpers/fake_world.ts";
import { makeReady, refusal, SPEC, taken } from "../../../helpers/registry.ts";
import { testProcess } from "../../../helpers/registry.ts";
import { createQuotas } from "../../../../broker/registry/quotas.ts";

Deno.test("Registry: ids are 128 random bits, tokens 256, none alike", () => {
  using registry = new FakeWorld().registry();
  const seen = new Set<string>();
  for (let i = 0; i < 50; i++) {
    const entry = taken(registry.allocate({ ...SPEC, tokens: "fresh" }));
    assert(/^[0-9a-f]{32}$/.test(entry.id));
    assert(/^[0-9a-f]{64}$/.test(entry.tokens!.host));
    assert(/^[0-9a-f]{64}$/.test(entry.tokens!.client));
    for (const each of [entry.id, entry.tokens!.host, entry.tokens!.client]) {
      seen.add(each);
    }
  }
  assertEquals(seen.size, 150);
  assertEquals(taken(registry.allocate(SPEC)).tokens, undefined);
});

Deno.test("Registry: the system's own randomness by default", () => {
  const { clock } = new FakeWorld();
  const ids = [1, 2].map(() => {
    using registry = new Registry<FakeEndpoint>(clock);
    return taken(registry.allocate(SPEC)).id;
  });
  assertEquals(new Set(ids).size, 2);
});

Deno.test("Registry: an id that is given is kept, once", () => {
  using registry = new FakeWorld().registry();
  const id = "ab".repeat(16);
  assertEquals(taken(registry.allocate({ ...SPEC, id })).id, id);
  assertStringIncludes(
    refusal(registry.allocate({ ...SPEC, id })),
    "in use",
  );
});

Deno.test("Registry: an unknown id is said to be unknown", () => {
  const world = new FakeWorld();
  using registry = world.registry();
  assertEquals(registry.lookup("x"), undefined);
  assertStringIncludes(
    refusal(registry.apply("x", { type: "host_alive" })),
    "connection_not_found",
  );
  assertStringIncludes(
    refusal(registry.store("x", world.endpoint())),
    "connection_not_found",
  );
  assertStringIncludes(
    refusal(registry.deliver("x", 1, (lent) => lent.dup())),
    "connection_not_found",
  );
  assertEquals(world.disposals, [0, 1, 0]);
});

Deno.test("Registry: the endpoint is released at ready, the copy is the receiver's", () => {
  const world = new FakeWorld();
  using registry = world.registry();
  const { id } = taken(registry.allocate(SPEC));
  const endpoint = world.endpoint();
  const copy = makeReady(registry, id, endpoint);
  assertEquals(endpoint.disposals, 1);
  assertEquals(copy.disposals, 0);
});

Deno.test("Registry: a replaced, a refused, and a failed connection's endpoint are released", () => {
  const world = new FakeWorld();
  using registry = world.registry();
  const { id } = taken(registry.allocate(SPEC));
  const [first, second, third] = ["1", "2", "3"].map((n) => world.endpoint(n));
  taken(registry.store(id, first!));
  taken(registry.store(id, second!));
  assertEquals(world.disposals, [2, 1, 0]);
  assertEquals(first!.disposals, 1);
  taken(registry.apply(id, { type: "closed", reason: "bye" }));
  assertEquals(second!.disposals, 1);
  refusal(registry.store(id, third!));
  assertEquals(world.disposals, [0, 3, 0]);
});

Deno.test("Registry: a copy that fails leaves everything as it was", () => {
  const world = new FakeWorld();
  using registry = world.registry();
  const entry = taken(registry.allocate(SPEC));
  taken(registry.store(entry.id, world.endpoint()));
  taken(registry.apply(entry.id, { type: "endpoint_requested" }));
  let message = "";
  try {
    registry.deliver(entry.id, 1, () => {
      throw new Error("EMFILE");
    });
  } catch (error) {
    message = (error as Error).message;
  }
  assertEquals(message, "EMFILE");
  assertEquals(entry.connection.client, "waiting_for_endpoint");
  assertEquals(entry.deliveredTo, undefined);
  assert("endpoint" in registry.deliver(entry.id, 2, (lent) => lent.dup()));
});

Deno.test("Registry: a delivery nobody asked for is refused and its copy released", () => {
  const world = new FakeWorld();
  using registry = world.registry();
  const entry = taken(registry.allocate(SPEC));
  taken(registry.store(entry.id, world.endpoint()));
  refusal(registry.deliver(entry.id, 1, (lent) => lent.dup()));
  assertEquals(world.disposals, [1, 1, 0]);
  assertEquals(entry.deliveredTo, undefined);
});

Deno.test("Registry: delivered to one peer, which may ask again; no other gets it", () => {
  const world = new FakeWorld();
  using registry = world.registry();
  const { id } = taken(registry.allocate(SPEC));
  refusal(registry.deliver(id, 1, (lent) => lent.dup()));
  taken(registry.store(id, world.endpoint()));
  taken(registry.apply(id, { type: "endpoint_requested" }));
  assert("endpoint" in registry.deliver(id, 1, (lent) => lent.dup()));
  assert("endpoint" in registry.deliver(id, 1, (lent) => lent.dup()));
  assertStringIncludes(
    refusal(registry.deliver(id, 2, (lent) => lent.dup())),
    "another process",
  );
  assertEquals(world.endpoints.length, 3);
});

Deno.test("Registry: times out by its timer, tells why, and is listed for a while", () => {
  const world = new FakeWorld();
  const { clock } = world;
  const quotas = createQuotas();
  using registry = world.registry({ quotas });
  const { id } = taken(registry.allocate({ ...SPEC, timeoutMs: 5000 }));
  assertEquals(registry.nextDeadline(), clock.now() + 5000);
  clock.advance(4999);
  assertEquals(letters(registry.lookup(id)!.connection), "Pp");
  clock.advance(1);
  assertEquals(
    registry.list()[0]!.failureReason,
    "timed out after 5 s: neither the host nor the client has reported since the allocation",
  );
  assertEquals(quotas.connections.used, 0);
  clock.advance(RETENTION_MS - 1);
  assertEquals(registry.list().length, 1);
  clock.advance(1);
  assertEquals(registry.list(), []);
  assertEquals(registry.lookup(id), undefined);
  assertEquals(clock.pending, 0);
});

Deno.test("Registry: a time that is over counts before its timer has fired", () => {
  const world = new FakeWorld();
  using registry = world.registry();
  const { id } = taken(registry.allocate({ ...SPEC, timeoutMs: 5000 }));
  world.clock.stall(5000);
  assertStringIncludes(
    refusal(registry.apply(id, { type: "host_alive" })),
    "timed out after 5 s",
  );
});

Deno.test("Registry: a ready connection has no deadline", () => {
  const world = new FakeWorld();
  using registry = world.registry();
  const entry = taken(registry.allocate({ ...SPEC, timeoutMs: 5000 }));
  makeReady(registry, entry.id, world.endpoint());
  assertEquals(registry.nextDeadline(), undefined);
  world.clock.advance(1e9);
  assertEquals(derivedState(entry.connection), "ready");
});

Deno.test("Registry: quotas by process and in all, freed by failure", () => {
  const quotas = createQuotas({ connections: 8 });
  using registry = new FakeWorld().registry({ quotas });
  const by = (pid: number, runtimeId = "a"): Entry | Rejection =>
    registry.allocate({ ...SPEC, runtimeId }, undefined, testProcess(pid));
  const { id } = taken(by(1));
  taken(by(1, "b"));
  assertStringIncludes(
    refusal(by(1, "c")),
    "process 1 has 2 of 2 connections, the limit of one process; end some",
  );
  taken(by(2));
  taken(by(2));
  taken(registry.apply(id, { type: "closed", reason: "" }));
  assertEquals(quotas.connections.used, 3);
  taken(by(1));
  refusal(by(1));
  for (let i = 0; i < 4; i++) taken(registry.allocate(SPEC));
  assertStringIncludes(refusal(by(3)), "have 8 of 8 connections");
});

Deno.test("Registry: 10,000 allocations meet the quota, and another process is served as before, under the same runtime's name", () => {
  using registry = new FakeWorld().registry();
  let refused = 0;
  for (let i = 0; i < 10_000; i++) {
    const outcome = registry.allocate(SPEC, i % 3, testProcess(1));
    if ("rejected" in outcome) refused++;
  }
  assertEquals(refused, 10_000 - 4096);
  taken(registry.allocate(SPEC, 4, testProcess(2)));
});

Deno.test("Registry: bytes are charged as long as a connection is listed, and those that are over make room for their process", () => {
  const schemaJson = "x".repeat(500);
  const spec = { ...SPEC, runtimeId: "", processorId: "", schemaJson };
  const quotas = createQuotas({ bytes: 8_000 });
  using registry = new FakeWorld().registry({ quotas });
  const by = (pid: number): Entry | Rejection =>
    registry.allocate(spec, undefined, testProcess(pid));
  const first = taken(by(1));
  taken(by(1));
  assertStringIncludes(
    refusal(by(1)),
    "process 1 has 2000 of 2000 bytes, the limit of one process",
  );
  const other = taken(by(2));
  for (const { id } of [other, first]) {
    taken(registry.apply(id, { type: "closed", reason: "" }));
  }
  assertEquals(quotas.bytes.used, 3_000);
  taken(by(1));
  assertEquals(registry.lookup(first.id), undefined);
  assertEquals(registry.lookup(other.id), other);
});

Deno.test("Registry: a process that has ended leaves no less room for the next one", () => {
  const schemaJson = "x".repeat(500);
  const spec = { ...SPEC, runtimeId: "", processorId: "", schemaJson };
  using registry = new FakeWorld().registry({
    quotas: createQuotas({ bytes: 8_000 }),
  });
  const by = (pid: number): Entry | Rejection =>
    registry.allocate(spec, undefined, testProcess(pid));
  // One process after another, each with one connection that is over when the next one comes.
  const ids = Array.from({ length: 20 }, (_, pid) => {
    const { id } = taken(by(pid + 1));
    taken(registry.apply(id, { type: "closed", reason: "" }));
    return id;
  });
  // A process at its own limit makes nobody forgotten.
  for (let i = 0; i < 2; i++) taken(by(50));
  const listed = registry.list().length;
  refusal(by(50));
  assertEquals(registry.list().length, listed);
  assertEquals(registry.lookup(ids[0]!), undefined);
  assertEquals(registry.lookup(ids.at(-1)!)?.id, ids.at(-1));
});

Deno.test("Registry: endpoints that are stored are charged until they are released", () => {
  const world = new FakeWorld();
  const quotas = createQuotas({ endpoints: 4 });
  using registry = world.registry({ quotas });
  const [first, second, other] = [1, 1, 2].map((pid) =>
    taken(registry.allocate(SPEC, undefined, testProcess(pid)))
  );
  taken(registry.store(first!.id, world.endpoint()));
  taken(registry.store(first!.id, world.endpoint()));
  assertStringIncludes(
    refusal(registry.store(second!.id, world.endpoint())),
    "Cannot store an endpoint: process 1 has 1 of 1 endpoints",
  );
  taken(registry.store(other!.id, world.endpoint()));
  taken(registry.apply(first!.id, { type: "closed", reason: "" }));
  taken(registry.store(second!.id, world.endpoint()));
  assertEquals(quotas.endpoints.used, 2);
});

Deno.test("Registry: watchers are charged to their process", () => {
  const quotas = createQuotas({ watchers: 4 });
  using registry = new FakeWorld().registry({ quotas });
  const ids = [1, 2].map(() => taken(registry.allocate(SPEC)).id);
  const watcher = { changed: () => {}, ended: () => {} };
  const watch = (id: string, pid: number) =>
    registry.subscribe(id, watcher, testProcess(pid));
  const first = watch(ids[0]!, 1);
  assertStringIncludes(refusal(watch(ids[1]!, 1)), "process 1 has 1 of 1");
  assert(Symbol.dispose in watch(ids[1]!, 2));
  (first as Disposable)[Symbol.dispose]();
  assert(Symbol.dispose in watch(ids[1]!, 1));
});

Deno.test("Registry: failed connections that are kept are bounded, the oldest goes", () => {
  using registry = new FakeWorld().registry({ retained: 2 });
  const ids = [1, 2, 3].map(() => taken(registry.allocate(SPEC)).id);
  for (const id of ids) {
    taken(registry.apply(id, { type: "closed", reason: "" }));
  }
  assertEquals(registry.list().map(({ id }) => id), ids.slice(1));
});

Deno.test("Registry: onChange hears of the new, and of before and after", () => {
  const heard: (string | undefined)[][] = [];
  using registry = new FakeWorld().registry({
    onChange: (after, before) =>
      void heard.push([before && letters(before), letters(after)]),
  });
  const { id } = taken(registry.allocate(SPEC));
  taken(registry.apply(id, { type: "host_alive" }));
  assertEquals(heard, [[undefined, "Pp"], ["Pp", "Ap"]]);
});

Deno.test("Registry: disposed, it holds nothing, no timer, and has ended its watchers without a reason", () => {
  const world = new FakeWorld();
  const quotas = createQuotas();
  const registry = world.registry({ quotas });
  const heard: string[] = [];
  for (let i = 0; i < 3; i++) {
    const { id } = taken(registry.allocate(SPEC, i));
    taken(registry.store(id, world.endpoint()));
    registry.subscribe(id, {
      changed: () => void heard.push("changed"),
      ended: () => void heard.push("ended"),
    });
  }
  registry[Symbol.dispose]();
  registry[Symbol.dispose]();
  assertEquals(world.disposals, [0, 3, 0]);
  assertEquals(heard, ["ended", "ended", "ended"]);
  assertEquals(world.clock.pending, 0);
  assertEquals(registry.list(), []);
  assertEquals(quotas.connections.used, 0);
});

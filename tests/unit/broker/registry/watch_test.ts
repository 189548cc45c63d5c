import { assert, assertEquals, assertRejects } from "@std/assert";
import { waitForEndpoint, watch } from "../../../../broker/registry/watch.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import { letters } from "../../../helpers/connection_events.ts";
import {
  type FakeEndpoint,
  FakeWorld,
  settle,
} from "../../../helpers/fake_world.ts";
import type { Registry } from "../../../../broker/registry/registry.ts";

function allocated(registry: Registry<FakeEndpoint>): string {
  const outcome = registry.allocate({
    runtimeId: "runtime",
    processorId: "processor",
    processorType: "",
    schemaJson: "",
    timeoutMs: 5000,
  });
  assert(!("rejected" in outcome));
  return outcome.id;
}

/** Collects what a watch yields. */
function collect(
  registry: Registry<FakeEndpoint>,
  id: string,
  signal: AbortSignal,
): { heard: string[]; done: Promise<void> } {
  const heard: string[] = [];
  const read = async (): Promise<void> => {
    for await (const connection of watch(registry, id, signal)) {
      heard.push(letters(connection));
    }
    heard.push("end");
  };
  return { heard, done: read() };
}

Deno.test("watch: the current state first, every change, ends on failure", async () => {
  using registry = new FakeWorld().registry();
  const id = allocated(registry);
  registry.apply(id, { type: "host_alive" });
  const { heard, done } = collect(registry, id, new AbortController().signal);
  await settle();
  assertEquals(heard, ["Ap"]);
  registry.apply(id, { type: "client_alive" });
  registry.apply(id, { type: "endpoint_requested" });
  await settle();
  assertEquals(heard, ["Ap", "Aa", "Aw"]);
  registry.apply(id, { type: "closed", reason: "" });
  await done;
  assertEquals(heard, ["Ap", "Aa", "Aw", "Ff", "end"]);
});

Deno.test("watch: a failed connection is told once, an unknown one not at all", async () => {
  using registry = new FakeWorld().registry();
  const id = allocated(registry);
  registry.apply(id, { type: "closed", reason: "" });
  const { signal } = new AbortController();
  const failed = collect(registry, id, signal);
  await failed.done;
  assertEquals(failed.heard, ["Ff", "end"]);
  const unknown = collect(registry, "unknown", signal);
  await unknown.done;
  assertEquals(unknown.heard, ["end"]);
});

Deno.test("watch: nothing for a caller that is gone already", async () => {
  using registry = new FakeWorld().registry();
  const gone = collect(registry, allocated(registry), AbortSignal.abort());
  await gone.done;
  assertEquals(gone.heard, ["end"]);
});

Deno.test("watch: ends with its signal or the registry, and frees its place", async () => {
  using registry = new FakeWorld().registry({ watchersPerConnection: 1 });
  const id = allocated(registry);
  const aborter = new AbortController();
  const first = collect(registry, id, aborter.signal);
  await settle();
  const error = await assertRejects(
    () => collect(registry, id, aborter.signal).done,
    BridgeError,
    "1 watchers",
  );
  assertEquals(error.code, "not_permitted");
  aborter.abort();
  await first.done;
  const second = collect(registry, id, new AbortController().signal);
  await settle();
  registry[Symbol.dispose]();
  await second.done;
  assertEquals(second.heard, ["Pp", "end"]);
  const third = collect(registry, id, aborter.signal);
  await third.done;
  assertEquals(third.heard, ["end"]);
});

/** Waits, and records when it has ended. */
function waiting(
  registry: Registry<FakeEndpoint>,
  id: string,
  signal: AbortSignal = new AbortController().signal,
  ms = 1000,
): { over: boolean } {
  const state = { over: false };
  waitForEndpoint(registry, id, ms, signal).then(() => state.over = true);
  return state;
}

Deno.test("waitForEndpoint: until it is stored, and no longer held for what is not an endpoint", async () => {
  const world = new FakeWorld();
  using registry = world.registry();
  const id = allocated(registry);
  const timers = world.clock.pending;
  const wait = waiting(registry, id);
  registry.apply(id, { type: "host_alive" });
  registry.apply(id, { type: "endpoint_requested" });
  await settle();
  assertEquals(wait.over, false);
  registry.store(id, world.endpoint());
  await settle();
  assertEquals(wait.over, true);
  assertEquals(world.clock.pending, timers);
  const after = waiting(registry, id);
  await settle();
  assertEquals(after.over, true);
});

Deno.test("waitForEndpoint: until failed, aborted, late, gone, or too many", async () => {
  const world = new FakeWorld();
  using registry = world.registry({ watchersPerConnection: 1 });
  const aborter = new AbortController();
  const ids = [1, 2, 3, 4].map(() => allocated(registry));
  const waits = [
    waiting(registry, ids[0]!),
    waiting(registry, ids[1]!, aborter.signal),
    waiting(registry, ids[2]!),
    waiting(registry, ids[3]!, undefined, 3000),
  ];
  const [tooMany, unknown, aborted] = [
    waiting(registry, ids[3]!),
    waiting(registry, "unknown"),
    waiting(registry, ids[3]!, AbortSignal.abort()),
  ];
  await settle();
  assertEquals([tooMany.over, unknown.over, aborted.over], [true, true, true]);
  const over = (): boolean[] => waits.map((wait) => wait.over);
  assertEquals(over(), [false, false, false, false]);
  registry.apply(ids[0]!, { type: "closed", reason: "" });
  aborter.abort();
  await settle();
  assertEquals(over(), [true, true, false, false]);
  world.clock.advance(1000);
  await settle();
  assertEquals(over(), [true, true, true, false]);
  registry[Symbol.dispose]();
  await settle();
  assertEquals(over(), [true, true, true, true]);
  assertEquals(world.clock.pending, 0);
});

import { assertEquals, assertStringIncludes } from "@std/assert";
import { FakeWorld } from "../../../helpers/fake_world.ts";
import { makeReady, SPEC, taken } from "../../../helpers/registry.ts";

Deno.test("Registry: a peer's end fails what it is a side of, ready or not, and nothing else", () => {
  const world = new FakeWorld();
  using registry = world.registry();
  const [hosted, served, ready, other] = [1, undefined, 1, 2].map((peer) =>
    taken(registry.allocate(SPEC, peer))
  );
  registry.bindPeer(served!.id, "client", 1);
  makeReady(registry, ready!.id, world.endpoint());
  registry.peerLost(1, "exited");
  assertEquals(
    [hosted, served, ready, other].map((each) =>
      each!.connection.failureReason
    ),
    [
      "host lost: exited (neither the host nor the client has reported since the allocation)",
      "client lost: exited (neither the host nor the client has reported since the allocation)",
      "host lost: exited (was ready)",
      "",
    ],
  );
  registry.peerLost(1);
  registry.peerLost("never seen");
});

Deno.test("Registry: who is a side: with tokens the last, without the first, a served client stays", () => {
  const world = new FakeWorld();
  using registry = world.registry();
  const open = taken(registry.allocate(SPEC, 1));
  registry.bindPeer(open.id, "host", 2);
  registry.peerLost(2);
  assertEquals(open.connection.failureReason, "");

  const guarded = taken(registry.allocate({ ...SPEC, tokens: "fresh" }, 1));
  registry.bindPeer(guarded.id, "host", 2);
  registry.bindPeer(guarded.id, "client", 3);
  registry.bindPeer(guarded.id, "client", 4);
  registry.peerLost(3);
  registry.peerLost(1);
  assertEquals(guarded.connection.failureReason, "");
  assertStringIncludes(open.connection.failureReason, "host lost");

  taken(registry.store(guarded.id, world.endpoint()));
  taken(registry.apply(guarded.id, { type: "endpoint_requested" }));
  registry.deliver(guarded.id, 4, (lent) => lent.dup());
  registry.bindPeer(guarded.id, "client", 5);
  registry.peerLost(5);
  assertEquals(guarded.connection.failureReason, "");
  registry.peerLost(4);
  assertStringIncludes(guarded.connection.failureReason, "client lost");
});

Deno.test("Registry: one peer may be both sides", () => {
  using registry = new FakeWorld().registry();
  const entry = taken(registry.allocate({ ...SPEC, tokens: "fresh" }, 1));
  registry.bindPeer(entry.id, "client", 1);
  registry.bindPeer(entry.id, "client", 2);
  registry.peerLost(1);
  assertStringIncludes(entry.connection.failureReason, "host lost");
});

import { assertEquals } from "@std/assert";
import {
  createQuotas,
  fullnessOf,
} from "../../../../broker/registry/quotas.ts";
import type { Registry } from "../../../../broker/registry/registry.ts";
import { EVERY_EVENT } from "../../../helpers/connection_events.ts";
import { type FakeEndpoint, FakeWorld } from "../../../helpers/fake_world.ts";
import { Prng } from "../../../helpers/prng.ts";
import { SPEC, taken, testProcess } from "../../../helpers/registry.ts";

Deno.test("Registry: 300 random lives of 10 connections leave no endpoint, charge or timer behind", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Prng(seed);
    const world = new FakeWorld();
    const quotas = createQuotas();
    const registry = world.registry({ retained: 4, quotas });
    const ids: string[] = [];
    for (let step = 0; step < 200; step++) {
      if (ids.length < 10) {
        const outcome = registry.allocate(
          { ...SPEC, timeoutMs: 1000, tokens: "fresh" },
          random.below(3),
          testProcess(random.below(3)),
        );
        ids.push(taken(outcome).id);
      }
      randomStep(random, world, registry, random.pick(ids));
    }
    const live = registry.list().filter(({ failureReason }) => !failureReason);
    assertEquals(quotas.connections.used, live.length, `seed ${seed}`);
    registry[Symbol.dispose]();
    assertEquals(
      fullnessOf(quotas).filter(({ used, fullest }) => used > 0 || fullest),
      [],
      `seed ${seed}: something is charged`,
    );
    assertEquals(world.disposals[0], 0, `seed ${seed}: an endpoint is held`);
    assertEquals(world.disposals[2], 0, `seed ${seed}: released twice`);
    assertEquals(world.clock.pending, 0, `seed ${seed}: a timer is left`);
  }
});

function randomStep(
  random: Prng,
  world: FakeWorld,
  registry: Registry<FakeEndpoint>,
  id: string,
): void {
  switch (random.below(12)) {
    case 0:
      return void registry.peerLost(random.below(3));
    case 1:
      return void world.clock.advance(random.below(300));
    case 2:
    case 3:
      return void registry.store(id, world.endpoint());
    case 4:
    case 5: {
      const delivery = registry.deliver(id, random.below(3), (e) => e.dup());
      if ("endpoint" in delivery) delivery.endpoint[Symbol.dispose]();
      return;
    }
    case 6:
      return registry.bindPeer(
        id,
        random.pick(["host", "client"]),
        random.below(3),
      );
    default: {
      const event = random.pick(EVERY_EVENT);
      if (event.type === "endpoint_stored") return;
      if (event.type === "endpoint_delivered") return;
      registry.apply(id, event);
    }
  }
}

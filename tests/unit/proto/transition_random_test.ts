import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  type Connection,
  derivedState,
  hasFailed,
  isReady,
} from "../../../proto/connection.ts";
import { CLIENT_STATES, HOST_STATES } from "../../../proto/states.ts";
import { transition } from "../../../proto/transition.ts";
import {
  EVERY_EVENT,
  freshConnection,
} from "../../helpers/connection_events.ts";
import { Prng } from "../../helpers/prng.ts";

Deno.test("transition: 5,000 random lives keep every invariant", () => {
  let ready = 0;
  for (let seed = 1; seed <= 5000; seed++) {
    if (live(new Prng(seed), `seed ${seed}`)) ready++;
  }
  assert(ready > 250, `only ${ready} lives were ready at some time`);
});

/** One random life, its effects performed on an imaginary endpoint; whether it was ever ready. */
function live(random: Prng, name: string): boolean {
  let connection = freshConnection();
  let now = 1000;
  let held = 0;
  for (let step = 0; step < 30; step++) {
    // Ends are rarer than progress, or few lives would become ready.
    const event = random.pick(
      random.below(12) === 0 ? EVERY_EVENT : EVERY_EVENT.slice(0, 13),
    );
    now += random.below(20);
    const before = connection;
    const outcome = transition(before, event, now);
    if ("rejected" in outcome) {
      assertStringIncludes(outcome.rejected, `host is ${before.host}`, name);
      continue;
    }
    connection = outcome.connection;
    for (const effect of outcome.effects) {
      if (effect === "hold_endpoint") held++;
      if (effect === "release_endpoint") held--;
      assert(held === 0 || held === 1, `${name}: holds ${held} endpoints`);
    }
    assertEquals(held === 1, connection.endpointStored, name);
    checkOrder(before, connection, name);
    checkRecord(connection, name);
  }
  return connection.times.ready !== undefined;
}

/** Never backwards; failed and ready are kept. */
function checkOrder(before: Connection, after: Connection, name: string): void {
  assert(
    HOST_STATES.indexOf(after.host) >= HOST_STATES.indexOf(before.host),
    name,
  );
  assert(
    CLIENT_STATES.indexOf(after.client) >= CLIENT_STATES.indexOf(before.client),
    name,
  );
  assert(after.pollCount >= before.pollCount, name);
  if (hasFailed(before)) {
    assertEquals(derivedState(after), "failed", name);
    assertEquals(after.failureReason, before.failureReason, name);
    assertEquals(after.times.failed, before.times.failed, name);
  }
  if (isReady(before)) assert(isReady(after) || hasFailed(after), name);
}

function checkRecord(connection: Connection, name: string): void {
  const { host, client, times } = connection;
  const derived = derivedState(connection);
  if (derived === "ready") {
    assert(host === "acked" && client === "acked", name);
    assert(times.ready !== undefined, name);
  }
  if (host === "acked") assert(times.endpointDelivered !== undefined, name);
  if (client === "acked") assert(times.endpointDelivered !== undefined, name);
  if (derived === "ready" || derived === "failed") {
    assertEquals(connection.endpointStored, false, name);
  }
  assertEquals(derived === "failed", connection.failureReason !== "", name);
  assertEquals(derived === "failed", times.failed !== undefined, name);
}

import { assert, assertStringIncludes } from "@std/assert";
import {
  type ConnectionRecord,
  derivedState,
  hasFailed,
  isReady,
} from "../../../../proto/states/connection_record.ts";
import {
  CLIENT_STATES,
  type DerivedState,
  HOST_STATES,
} from "../../../../proto/states/states.ts";
import {
  type ConnectionEvent,
  type Effect,
  transition,
} from "../../../../proto/states/transition.ts";
import {
  EVERY_EVENT,
  freshConnection,
} from "../../../helpers/connection_events.ts";
import { Prng } from "../../../helpers/prng.ts";

const LIVES = 30_000;
const STEPS = 30;

/** Ends are less frequent than progress, so that enough lives become ready. */
const PROGRESS = EVERY_EVENT.slice(0, 13);

Deno.test(`transition: ${LIVES} random lives of ${STEPS} events (seeds 1 to ${LIVES}) keep every invariant`, () => {
  let ready = 0;
  let released = 0;
  for (let seed = 1; seed <= LIVES; seed++) {
    const life = new Life(`seed ${seed}`);
    const random = new Prng(seed);
    for (let step = 0; step < STEPS; step++) {
      life.apply(
        random.pick(random.below(12) === 0 ? EVERY_EVENT : PROGRESS),
        random.below(20),
      );
    }
    if (life.connection.times.ready !== undefined) ready++;
    life.apply({ type: "closed", reason: "the end of the test" }, 1);
    released += life.checkEnd();
  }
  // Enough lives reached the states in which each invariant could break.
  assert(ready > LIVES / 20, `only ${ready} lives were ready at some time`);
  assert(released > LIVES, `only ${released} endpoints were released`);
});

/** One life of a connection. Its effects are applied to a counted endpoint. */
class Life {
  connection: ConnectionRecord = freshConnection();
  #now = this.connection.times.created;
  /** The sides whose ack was accepted. */
  readonly #acked = new Set<string>();
  #taken = 0;
  #released = 0;

  constructor(readonly name: string) {}

  apply(event: ConnectionEvent, elapsed: number): void {
    const { name } = this;
    const before = this.connection;
    this.#now += elapsed;
    const outcome = transition(before, event, this.#now);
    if ("rejected" in outcome) {
      assertStringIncludes(outcome.rejected, `host is ${before.host}`, name);
      return;
    }
    if (event.type === "acked") this.#acked.add(event.side);
    for (const effect of outcome.effects) this.#perform(effect);
    this.connection = outcome.connection;
    checkOrder(before, this.connection, name);
    checkRecord(this.connection, name);
    if (isReady(this.connection)) {
      assert(this.#acked.size === 2, `${name}: ready, and not both acked`);
    }
    assert(
      this.#held === (this.connection.endpointStored ? 1 : 0),
      `${name}: holds ${this.#held} endpoints, and says otherwise`,
    );
  }

  get #held(): number {
    return this.#taken - this.#released;
  }

  #perform(effect: Effect): void {
    if (effect === "hold_endpoint") this.#taken++;
    if (effect === "release_endpoint") this.#released++;
    assert(
      this.#held === 0 || this.#held === 1,
      `${this.name}: holds ${this.#held} endpoints`,
    );
  }

  /** Checks that every endpoint was released once. Returns their number. */
  checkEnd(): number {
    assert(hasFailed(this.connection), this.name);
    assert(isOver(derivedState(this.connection)), this.name);
    assert(this.#held === 0, `${this.name}: ${this.#held} endpoints are left`);
    return this.#released;
  }
}

function isOver(derived: DerivedState): boolean {
  return derived === "failed" || derived === "closed";
}

/** States never go back; failed, closed and ready are kept. */
function checkOrder(
  before: ConnectionRecord,
  after: ConnectionRecord,
  name: string,
): void {
  assert(
    HOST_STATES.indexOf(after.host) >= HOST_STATES.indexOf(before.host),
    `${name}: host from ${before.host} back to ${after.host}`,
  );
  assert(
    CLIENT_STATES.indexOf(after.client) >= CLIENT_STATES.indexOf(before.client),
    `${name}: client from ${before.client} back to ${after.client}`,
  );
  assert(after.pollCount >= before.pollCount, name);
  if (hasFailed(before)) {
    assert(hasFailed(after), name);
    assert(derivedState(after) === derivedState(before), name);
    assert(after.failureReason === before.failureReason, name);
    assert(after.times.failed === before.times.failed, name);
  }
  if (isReady(before)) assert(isReady(after) || hasFailed(after), name);
}

function checkRecord(connection: ConnectionRecord, name: string): void {
  const { host, client, times } = connection;
  const derived = derivedState(connection);
  const over = derived === "ready" || isOver(derived);
  if (derived === "ready") {
    assert(host === "acked" && client === "acked", `${name}: ready too early`);
    assert(times.ready !== undefined, name);
  }
  if (host === "acked" || client === "acked") {
    assert(times.endpointDelivered !== undefined, name);
  }
  if (over) {
    assert(!connection.endpointStored, `${name}: ${derived}, and holds`);
  }
  assert(isOver(derived) === (connection.failureReason !== ""), name);
  assert(isOver(derived) === (times.failed !== undefined), name);
  assert(
    (derived === "closed") === connection.failureReason.startsWith("closed: "),
    name,
  );
}

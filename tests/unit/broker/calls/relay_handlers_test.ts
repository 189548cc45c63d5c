import { assert, assertEquals } from "@std/assert";
import { HINT } from "../../../../proto/wire/keys.ts";
import { FakeBroker, refuses, xpc } from "../../../helpers/fake_broker.ts";
import { settle } from "../../../helpers/fake_world.ts";

Deno.test("handlers: get_endpoint before the endpoint is stored says what to do", async () => {
  const broker = new FakeBroker();
  const { unary, relay } = broker.handlers;
  const { id, host, client } = await broker.guarded();
  broker.world.clock.advance(1500);
  const expected = {
    found: false,
    reason: "host_endpoint_not_ready",
    host_state: "pending",
    hint: HINT.hostPending,
    your_poll_count: 1,
    connection_age_ms: 1500,
    timeout_remaining_secs: 299,
  };
  assertEquals<unknown>(await relay.get_endpoint(client, id), expected);
  await unary.HostAlive(host, id);
  assertEquals<unknown>(await relay.get_endpoint(client, id), {
    ...expected,
    host_state: "alive",
    hint: HINT.hostAlive,
    your_poll_count: 2,
  });
  broker.world.clock.advance(100);
  assertEquals(
    await relay.store_endpoint(host, id, broker.world.endpoint()),
    {
      success: true,
      client_state: "waiting_for_endpoint",
      client_poll_count: 2,
    },
  );
  const answer = await relay.get_endpoint(client, id);
  assert(answer.found);
  assertEquals([answer.polls_until_success, answer.wait_time_ms], [3, 100]);
});

Deno.test("handlers: a held get_endpoint is answered when stored, when failed, when its time is over", async () => {
  for (
    const [end, expected] of [
      ["store", "found"],
      ["fail", "connection_failed"],
      ["wait", "host_endpoint_not_ready"],
      ["abort", "host_endpoint_not_ready"],
    ] as const
  ) {
    const broker = new FakeBroker();
    const { unary, relay } = broker.handlers;
    const { id, host, client } = await broker.guarded();
    const aborter = new AbortController();
    let outcome = "";
    const held = relay.get_endpoint(
      xpc(2, client.token, aborter.signal),
      { ...id, wait_ms: 1000 },
    ).then((answer) => {
      outcome = answer.found
        ? "found"
        : "reason" in answer
        ? answer.reason
        : answer.error;
    });
    await settle();
    assertEquals(outcome, "");
    assertEquals(
      await broker.states(id, host),
      "pending waiting_for_endpoint client_waiting_for_host_endpoint",
    );
    if (end === "store") {
      await relay.store_endpoint(host, id, broker.world.endpoint());
    } else if (end === "fail") {
      await unary.ReportFailure(host, { ...id, side: "host", reason: "no" });
    } else if (end === "wait") broker.world.clock.advance(1000);
    else aborter.abort();
    await held;
    assertEquals(outcome, expected);
  }
});

Deno.test("handlers: a peer that left while it was held gets nothing, the next one does", async () => {
  const broker = new FakeBroker();
  const { relay } = broker.handlers;
  const { id, host, client } = await broker.guarded();
  const aborter = new AbortController();
  const held = relay.get_endpoint(
    xpc(2, client.token, aborter.signal),
    { ...id, wait_ms: 1000 },
  );
  await settle();
  aborter.abort();
  await relay.store_endpoint(host, id, broker.world.endpoint());
  assertEquals((await held).found, false);
  assertEquals(
    (await relay.get_endpoint(xpc(3, client.token), id)).found,
    true,
  );
});

Deno.test("handlers: the second process that asks is refused, and logged; the first may ask again", async () => {
  const broker = new FakeBroker();
  const { relay } = broker.handlers;
  const { id, host, client } = await broker.guarded();
  const [first, thief] = [
    relay.get_endpoint(client, { ...id, wait_ms: 1000 }),
    relay.get_endpoint(xpc(3, client.token), { ...id, wait_ms: 1000 }),
  ];
  await settle();
  await relay.store_endpoint(host, id, broker.world.endpoint());
  const [a, b] = await Promise.all([first, thief]);
  assertEquals([a.found, b.found], [true, false]);
  assertEquals<unknown>(b, {
    found: false,
    reason: "already_delivered",
    hint: HINT.alreadyDelivered,
  });
  assertEquals(broker.world.logLines.length, 1);
  assertEquals(broker.world.logLines[0]!.peer, 3);
  assertEquals((await relay.get_endpoint(client, id)).found, true);
  const refused = await relay.store_endpoint(host, id, broker.world.endpoint());
  assert(!refused.success);
  assertEquals(refused.hint, HINT.storeTooLate);
  assertEquals(broker.world.disposals, [3, 1, 0]);
});

Deno.test("handlers: without tokens, only the peer that allocated may store", async () => {
  const broker = new FakeBroker();
  const { relay } = broker.handlers;
  const { connection_id } = await broker.allocate({}, xpc(1));
  await refuses(
    () =>
      relay.store_endpoint(xpc(2), { connection_id }, broker.world.endpoint()),
    "not_permitted",
    "another process is the host",
  );
  assertEquals(broker.world.disposals, [0, 1, 0]);
  const stored = await relay.store_endpoint(
    xpc(1),
    { connection_id },
    broker.world.endpoint(),
  );
  assert(stored.success);
});

Deno.test("handlers: a copy that fails is an error, and can be asked for again", async () => {
  const broker = new FakeBroker();
  const { relay } = broker.handlers;
  const { id, host, client } = await broker.guarded();
  await relay.store_endpoint(host, id, broker.world.endpoint());
  broker.failDup = true;
  await refuses(
    () => relay.get_endpoint(client, id),
    "native_failure",
    "EMFILE",
  );
  broker.failDup = false;
  const answer = await relay.get_endpoint(client, id);
  assert(answer.found);
  assertEquals(answer.polls_until_success, 2);
});

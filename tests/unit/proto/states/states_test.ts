import { assertEquals } from "@std/assert";
import {
  CLIENT_STATES,
  clientReached,
  type ClientState,
  derive,
  DERIVED_STATES,
  type DerivedState,
  HOST_STATES,
  hostReached,
  type HostState,
} from "../../../../proto/states/states.ts";

/**
 * All 30 combinations, written by hand from the specification's table. `[a, b]` are
 * the states without and with a stored endpoint, where they differ.
 */
const TABLE: Record<
  HostState,
  Record<ClientState, DerivedState | [DerivedState, DerivedState]>
> = {
  pending: {
    pending: "awaiting_both",
    alive: ["awaiting_host", "awaiting_client_to_retrieve_endpoint"],
    waiting_for_endpoint: [
      "client_waiting_for_host_endpoint",
      "awaiting_client_to_retrieve_endpoint",
    ],
    xpc_endpoint_received: "awaiting_host",
    acked: "awaiting_ack",
    failed: "failed",
  },
  alive: {
    pending: "awaiting_client",
    alive: [
      "both_alive_awaiting_host_xpc",
      "awaiting_client_to_retrieve_endpoint",
    ],
    waiting_for_endpoint: [
      "client_waiting_for_host_endpoint",
      "awaiting_client_to_retrieve_endpoint",
    ],
    xpc_endpoint_received: "both_alive_awaiting_host_xpc",
    acked: "awaiting_ack",
    failed: "failed",
  },
  xpc_ready: {
    pending: "awaiting_client",
    alive: [
      "both_alive_awaiting_host_xpc",
      "awaiting_client_to_retrieve_endpoint",
    ],
    waiting_for_endpoint: [
      "client_waiting_for_host_endpoint",
      "awaiting_client_to_retrieve_endpoint",
    ],
    xpc_endpoint_received: "client_connecting",
    acked: "awaiting_ack",
    failed: "failed",
  },
  acked: {
    pending: "awaiting_ack",
    alive: "awaiting_ack",
    waiting_for_endpoint: "awaiting_ack",
    xpc_endpoint_received: "awaiting_ack",
    acked: "ready",
    failed: "failed",
  },
  failed: {
    pending: "failed",
    alive: "failed",
    waiting_for_endpoint: "failed",
    xpc_endpoint_received: "failed",
    acked: "failed",
    failed: "failed",
  },
};

for (const host of HOST_STATES) {
  for (const client of CLIENT_STATES) {
    const cell = TABLE[host][client];
    const [without, stored] = typeof cell === "string" ? [cell, cell] : cell;
    Deno.test(`derive: host ${host}, client ${client} is ${without}, with an endpoint ${stored}`, () => {
      assertEquals(derive(host, client, false), without);
      assertEquals(derive(host, client, true), stored);
      assertEquals(derive(host, client, false, true), "failed");
      assertEquals(derive(host, client, true, true), "failed");
      assertEquals(derive(host, client, false, false, true), "closed");
    });
  }
}

Deno.test("derive: every derived state is derived from something", () => {
  const found = new Set(
    HOST_STATES.flatMap((host) =>
      CLIENT_STATES.flatMap((client) => [
        derive(host, client, false),
        derive(host, client, true),
        derive(host, client, false, false, true),
      ])
    ),
  );
  assertEquals([...found].sort(), [...DERIVED_STATES].sort());
});

Deno.test("hostReached, clientReached: in order, and failed has reached nothing", () => {
  assertEquals(hostReached("alive", "xpc_ready"), false);
  assertEquals(hostReached("xpc_ready", "xpc_ready"), true);
  assertEquals(hostReached("acked", "xpc_ready"), true);
  assertEquals(hostReached("failed", "pending"), false);
  assertEquals(clientReached("alive", "waiting_for_endpoint"), false);
  assertEquals(clientReached("acked", "xpc_endpoint_received"), true);
  assertEquals(clientReached("failed", "pending"), false);
});

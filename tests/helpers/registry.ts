import { assert } from "@std/assert";
import {
  type ProcessIdentity,
  processIdentity,
} from "../../broker/registry/process.ts";
import type { Registry } from "../../broker/registry/registry.ts";
import type {
  Allocation,
  Entry,
  Rejection,
} from "../../broker/registry/registry_types.ts";
import type { FakeEndpoint } from "./fake_world.ts";

/** A connection with ordinary values. */
export const SPEC: Allocation = {
  runtimeId: "runtime",
  processorId: "processor",
  processorType: "",
  schemaJson: "",
  timeoutMs: 300_000,
};

/** Returns the entry of a result that must be accepted. */
export function taken(outcome: Entry | Rejection): Entry {
  if ("rejected" in outcome) throw new Error(outcome.rejected);
  return outcome;
}

/** Returns the reason of a result that must be refused. */
export function refusal(outcome: object): string {
  assert("rejected" in outcome, "it was accepted");
  return String(outcome.rejected);
}

/** Brings a connection to `ready`, with `endpoint` stored. Returns the client's copy of the endpoint. */
export function makeReady(
  registry: Registry<FakeEndpoint>,
  id: string,
  endpoint: FakeEndpoint,
): FakeEndpoint {
  taken(registry.store(id, endpoint));
  taken(registry.apply(id, { type: "endpoint_requested" }));
  const delivery = registry.deliver(id, "client", (lent) => lent.dup());
  assert("endpoint" in delivery);
  taken(registry.apply(id, { type: "acked", side: "client" }));
  taken(registry.apply(id, { type: "acked", side: "host" }));
  return delivery.endpoint;
}

/** A process with this id. */
export function testProcess(pid: number): ProcessIdentity {
  return processIdentity(pid, 1);
}

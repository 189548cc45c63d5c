/**
 * A connection's state in the words and colours of the command line.
 *
 * @module
 */

import type { ConnectionInfo } from "../../proto/broker_gen.ts";
import type { DerivedState } from "../../proto/states.ts";
import { formatAge } from "./ages.ts";
import type { Style } from "./style.ts";

const WAITS: Readonly<
  Record<Exclude<DerivedState, "ready" | "failed">, string>
> = {
  awaiting_both: "neither the host nor the client has been heard of",
  awaiting_host: "the client has started, the host has not been heard of",
  awaiting_client: "the client's process has not been heard of",
  both_alive_awaiting_host_xpc: "the host has not stored its endpoint",
  client_waiting_for_host_endpoint:
    "the client asks for the endpoint, the host has not stored it",
  awaiting_client_to_retrieve_endpoint:
    "the endpoint is stored, the client has not taken it",
  client_connecting: "host and client are shaking hands",
  awaiting_ack: "one side has the other's answer, the other has not said so",
};

/** Why a connection is not ready, for people; "" where it is. */
export function whyNotReady(connection: ConnectionInfo): string {
  const { derived_state, failure_reason, age_secs, timeout_secs } = connection;
  if (derived_state === "ready") return "";
  if (derived_state === "failed") return failure_reason || "no reason is known";
  // A broker that is newer may know more states.
  const waits = Object.hasOwn(WAITS, derived_state)
    ? WAITS[derived_state as keyof typeof WAITS]
    : derived_state;
  return `${waits}; it fails in ${formatAge(timeout_secs - age_secs)}`;
}

/** How a state looks. */
export function stateStyle(derivedState: string): Style {
  if (derivedState === "ready") return "good";
  return derivedState === "failed" ? "bad" : "waiting";
}

/**
 * A connection's state in the words and colours of the command line.
 *
 * @module
 */

import type { ConnectionInfo } from "../../proto/broker_gen.ts";
import { WAITING_FOR } from "../../proto/states/states.ts";
import { formatAge } from "./ages.ts";
import type { Style } from "./style.ts";

/** Why a connection is not ready, for people; "" where it is. */
export function whyNotReady(connection: ConnectionInfo): string {
  const { derived_state, failure_reason, age_secs, timeout_secs } = connection;
  if (derived_state === "ready") return "";
  if (derived_state === "failed") return failure_reason || "no reason is known";
  // A broker that is newer may know more states.
  const waits = Object.hasOwn(WAITING_FOR, derived_state)
    ? WAITING_FOR[derived_state as keyof typeof WAITING_FOR]
    : derived_state;
  return `${waits}; it fails in ${formatAge(timeout_secs - age_secs)}`;
}

/** How a state looks. */
export function stateStyle(derivedState: string): Style {
  if (derivedState === "ready") return "good";
  return derivedState === "failed" ? "bad" : "waiting";
}

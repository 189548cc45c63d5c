/**
 * The words and colours for a connection's state.
 *
 * @module
 */

import type { ConnectionInfo } from "../../proto/broker_gen.ts";
import { WAITING_FOR } from "../../proto/states/states.ts";
import { formatAge } from "./ages.ts";
import type { Style } from "./style.ts";

/** Why a connection is not ready, in words; "" if it is ready. */
export function whyNotReady(connection: ConnectionInfo): string {
  const { derived_state, failure_reason, age_secs, timeout_secs } = connection;
  if (derived_state === "ready") return "";
  if (derived_state === "failed") return failure_reason || "no reason is known";
  if (derived_state === "closed") return failure_reason || "closed";
  // A newer broker may have more states.
  const waits = Object.hasOwn(WAITING_FOR, derived_state)
    ? WAITING_FOR[derived_state as keyof typeof WAITING_FOR]
    : derived_state;
  return `${waits}; it fails in ${formatAge(timeout_secs - age_secs)}`;
}

/** What carries the frames of a connection; `-` if that is unknown: neither side has reported it, or the broker is an older one. */
export function pathText(path: string | undefined): string {
  return path || "-";
}

/** Whether a connection in this state has ended. */
export function isOver(derivedState: string): boolean {
  return derivedState === "failed" || derivedState === "closed";
}

/** The style of a state. */
export function stateStyle(derivedState: string): Style {
  switch (derivedState) {
    case "ready":
      return "good";
    case "failed":
      return "bad";
    case "closed":
      return "quiet";
    default:
      return "waiting";
  }
}

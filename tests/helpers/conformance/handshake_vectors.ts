/** Every step of a client's handshake. */

import {
  CLIENT_PHASE_TEXT,
  type ClientEvent,
  type ClientPhase,
  clientStep,
} from "../../../proto/states/handshake.ts";

const EVENTS: readonly ClientEvent[] = [
  { type: "begin" },
  { type: "schema_received" },
  { type: "endpoint_not_ready" },
  { type: "endpoint_received" },
  { type: "ping", valid: true },
  { type: "ping", valid: false },
  { type: "module_started" },
  { type: "failed", code: "client_failed", reason: "why" },
  { type: "close" },
];

/** Returns the table as data. */
export function handshakeVectors(): object {
  const phases = Object.keys(CLIENT_PHASE_TEXT) as ClientPhase[];
  return {
    about:
      "Every event in every phase of a client: the next phase, and what it does.",
    phases: CLIENT_PHASE_TEXT,
    steps: phases.flatMap((phase) =>
      EVENTS.map((event) => {
        const { phase: next, effects } = clientStep(phase, event);
        return { phase, event, next, effects };
      })
    ),
  };
}

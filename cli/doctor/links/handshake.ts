/**
 * Whether a child process starts and becomes ready.
 *
 * @module
 */

import type { Link } from "../examination.ts";
import { broken, ok } from "../finding.ts";
import { linksBehind } from "../needs.ts";

/** The link. */
export const handshakeLink: Link = {
  name: "handshake",
  async check({ probe, known }) {
    const { facts, failure } = await probe().step("handshake");
    if (facts) {
      const { connection_id: id, embedded } = facts;
      known.connection = { id, embedded };
      return ok(
        "handshake",
        `${facts.ms} ms, ${facts.process_ms} of them to start process ${facts.client_pid}${
          embedded ? "; the host runs its own broker" : ""
        }`,
      );
    }
    return broken("handshake", "the child process did not become ready", {
      why: failure.message,
      mend: known.answered
        ? "streamlib broker logs -n 20"
        : "streamlib demo --frames 1",
      blocks: linksBehind("handshake"),
    });
  },
};

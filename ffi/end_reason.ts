/**
 * Why this side has ended a connection.
 *
 * @module
 */

import type { ErrorCode } from "../proto/errors.ts";
import { exhaustion } from "../proto/exhaustion.ts";

/** What c/linux says when it has ended a connection because of what it received. */
const REFUSED_PACKET = /^a packet was refused: ([^]*)$/;

/** Why this side has ended a connection. */
export interface OwnEnd {
  readonly code: ErrorCode;
  readonly reason: string;
}

/**
 * Returns why this side has ended a connection: `malformed_message` for what
 * `peer`, a noun, has sent, `native_failure` if this process lacks a resource.
 * `undefined` if the other side has ended it.
 *
 * @param reason the reason of the connection's end; may be ""
 */
export function ownEnd(peer: string, reason: string): OwnEnd | undefined {
  const malformed = REFUSED_PACKET.exec(reason)?.[1];
  const lacks = exhaustion(reason);
  // A packet is refused too when this process has no room for what is in it.
  if (lacks !== undefined) {
    return {
      code: "native_failure",
      reason: `the channel to ${peer} ended: ${lacks} (${reason})`,
    };
  }
  return malformed === undefined ? undefined : {
    code: "malformed_message",
    reason: `${peer} sent a message that cannot be read: ${malformed}; the ` +
      "channel to it was ended",
  };
}

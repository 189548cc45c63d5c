/**
 * Who may do what to a connection.
 *
 * A connection that was allocated with tokens obeys only them: a call that acts
 * as a side carries that side's token, a call about the connection as a whole
 * carries either. One that was allocated without is open to whoever reached the
 * broker, which the socket's mode and the kernel's user id have decided; but
 * there the first XPC peer that acts as a side stays the only one.
 *
 * A refusal throws BridgeError `not_permitted`, says which side's token was
 * needed and never what it is, and is counted and logged.
 *
 * @module
 */

import { timingSafeEqual } from "node:crypto";
import { BridgeError } from "../../proto/errors.ts";
import { CONNECTION_ID_BYTES, TOKEN_BYTES } from "../../proto/limits.ts";
import type { Side } from "../../proto/states/states.ts";
import type { Log } from "../log/log.ts";

/** Names one XPC peer connection of the broker, for ever. */
export type PeerId = number | string;

/** The secrets of a connection's sides: 256 random bits each, hex. */
export type Tokens = { readonly [side in Side]: string };

/** What is known about who may act on a connection. */
export interface Authority {
  /** The connection. */
  readonly id: string;
  /** Its tokens, if they were wanted. */
  readonly tokens: Tokens | undefined;
  /** The XPC peers that act as its sides. */
  readonly peers: { readonly [side in Side]?: PeerId };
}

/** What a caller shows. */
export interface Claim {
  /** The per-side token. */
  readonly token?: string;
  /** The XPC peer, as the kernel knows it. */
  readonly peer?: { readonly id: PeerId };
}

/** Makes `bytes` random bytes. */
export type RandomBytes = (bytes: number) => Uint8Array;

/** A new connection id. */
export function newConnectionId(randomBytes: RandomBytes): string {
  return randomBytes(CONNECTION_ID_BYTES).toHex();
}

/** A new token for each side. */
export function newTokens(randomBytes: RandomBytes): Tokens {
  return {
    host: randomBytes(TOKEN_BYTES).toHex(),
    client: randomBytes(TOKEN_BYTES).toHex(),
  };
}

/** Whether two tokens are the same, in a time that depends on their lengths alone. */
export function sameToken(expected: string, given: string): boolean {
  const encoder = new TextEncoder();
  const [a, b] = [encoder.encode(expected), encoder.encode(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Lets callers through, or counts and logs them. */
export class Gate {
  readonly #log: Log;
  #denied = 0;

  /** @param log where refusals are noted */
  constructor(log: Log) {
    this.#log = log;
  }

  /** How many calls were refused so far. */
  get denied(): number {
    return this.#denied;
  }

  /**
   * Checks that `claim` may act as `side`, or, for `"either"`, may speak about
   * the connection at all.
   *
   * @returns the side that the claim proves, `undefined` where it proves none
   */
  admit(
    operation: string,
    authority: Authority,
    claim: Claim,
    side: Side | "either",
  ): Side | undefined {
    const { tokens, peers } = authority;
    if (tokens === undefined) {
      if (side === "either") return undefined;
      const bound = peers[side];
      const caller = claim.peer?.id;
      if (bound === undefined || caller === undefined || caller === bound) {
        return side;
      }
      throw this.refuse(
        operation,
        authority.id,
        claim,
        `another process is the ${side} of this connection`,
      );
    }
    const wanted = side === "either" ? "host or client" : side;
    if (claim.token === undefined || claim.token === "") {
      throw this.refuse(
        operation,
        authority.id,
        claim,
        `no token, the one of side ${wanted} is needed`,
      );
    }
    const isHost = sameToken(tokens.host, claim.token);
    const isClient = sameToken(tokens.client, claim.token);
    const proven = isHost ? "host" : isClient ? "client" : undefined;
    if (proven !== undefined && (side === "either" || side === proven)) {
      return proven;
    }
    throw this.refuse(
      operation,
      authority.id,
      claim,
      `wrong token for side ${wanted}`,
    );
  }

  /** Counts and logs a refusal, and makes the error to throw. */
  refuse(
    operation: string,
    connectionId: string,
    claim: Claim,
    why: string,
  ): BridgeError {
    this.note(operation, connectionId, claim, why);
    return new BridgeError(
      "not_permitted",
      `Cannot ${operation}: permission denied: ${why}`,
    );
  }

  /**
   * Counts and logs a refusal. The 1st, 2nd, 4th, 8th … is logged: a flood of
   * guesses is seen, and does not fill the disk.
   */
  note(
    operation: string,
    connectionId: string,
    claim: Claim,
    why: string,
  ): void {
    this.#denied++;
    if ((this.#denied & (this.#denied - 1)) !== 0) return;
    this.#log.warn(`permission denied: ${why}`, {
      connection_id: connectionId,
      operation,
      peer: claim.peer?.id,
      denied_so_far: this.#denied,
    });
  }
}

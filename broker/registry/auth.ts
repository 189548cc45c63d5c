/**
 * Authorization: who may act on a connection.
 *
 * A connection that was allocated with tokens needs them. A call that acts as a
 * side needs that side's token; a call about the connection as a whole needs either
 * token. A connection without tokens is open to every process that can reach the
 * broker, which the socket's mode and the kernel's user id decide. There the first
 * XPC peer that acts as a side remains that side.
 *
 * A refusal throws BridgeError `not_permitted` with the side whose token is needed,
 * never with the token. Refusals are counted and logged.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import { CONNECTION_ID_BYTES, TOKEN_BYTES } from "../../proto/limits.ts";
import type { Side } from "../../proto/states/states.ts";
import { sameToken } from "../../proto/token.ts";
import type { Log } from "../log/log.ts";

/** The id of one XPC peer connection; never used again. */
export type PeerId = number | string;

/** The tokens of both sides: 256 random bits each, in hexadecimal. */
export type Tokens = { readonly [side in Side]: string };

/** Who may act on a connection. */
export interface Authority {
  /** The connection. */
  readonly id: string;
  /** Its tokens, if it was allocated with tokens. */
  readonly tokens: Tokens | undefined;
  /** The XPC peers that act as its sides. */
  readonly peers: { readonly [side in Side]?: PeerId };
}

/** The credentials of a caller. */
export interface Claim {
  /** The token of its side. */
  readonly token?: string;
  /** The XPC peer, from the kernel. */
  readonly peer?: { readonly id: PeerId };
}

/** Returns `bytes` random bytes. */
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

/** Admits callers, or refuses them; refusals are counted and logged. */
export class Gate {
  readonly #log: Log;
  #denied = 0;

  /** @param log gets records of refusals */
  constructor(log: Log) {
    this.#log = log;
  }

  /** The number of refused calls. */
  get denied(): number {
    return this.#denied;
  }

  /**
   * Checks that `claim` may act as `side`, or, for `"either"`, on the connection as a
   * whole. Throws `not_permitted` if not.
   *
   * @returns the side that the claim proves; `undefined` if it proves none
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
        `no token; the token of side ${wanted} is needed`,
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

  /** Counts and logs a refusal. Returns the error to throw. */
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
   * Counts a refusal. The 1st, 2nd, 4th, 8th … refusal is logged, so that many
   * guesses are visible and do not fill the disk.
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

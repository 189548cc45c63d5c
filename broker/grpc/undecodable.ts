/**
 * Requests over gRPC whose bytes are no message.
 *
 * @module
 */

import type { MethodName } from "../../proto/broker_gen.ts";
import { BridgeError, describeError } from "../../proto/errors.ts";

/** A request whose bytes are no message. grpc-js would answer INTERNAL, as if the broker had failed. */
export class Undecodable {
  /** @param error says why they are not */
  constructor(readonly error: BridgeError) {}
}

/** Returns what `decode` returns, or an {@link Undecodable} if it throws. */
export function decoded(
  name: MethodName,
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => object,
): object {
  try {
    return decode(bytes);
  } catch (cause) {
    return new Undecodable(
      new BridgeError(
        "malformed_message",
        `Cannot ${name}: the request of ${bytes.length} bytes is no message of this call: ${
          describeError(cause)
        }`,
        { cause },
      ),
    );
  }
}

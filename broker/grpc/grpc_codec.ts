/**
 * Encodes and decodes the messages of the control API. It loads protobufjs, so
 * import it dynamically, only if gRPC is used.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import protobuf from "protobufjs";
import {
  DESCRIPTOR,
  type MessageDescriptor,
  PACKAGE,
} from "../../proto/broker_gen.ts";

/** The codec of one message type. */
export interface Codec {
  /** Encodes a message. Missing fields have their defaults. */
  encode(message: object): Buffer;
  /** Decodes a message with all its fields, 64-bit ones as numbers. Throws if `bytes` are malformed. */
  decode(bytes: Uint8Array): object;
}

/** Returns the codec of a message, by its name. */
export type CodecTable = (message: string) => Codec;

/**
 * Makes the codecs of a package, by default those of `broker.proto`.
 *
 * ```ts ignore
 * const codecs = createCodecs();
 * const bytes = codecs("GetHealthResponse").encode({ healthy: true });
 * codecs("GetHealthResponse").decode(bytes);
 * // { healthy: true, status: "", uptime_secs: 0 }
 * ```
 */
export function createCodecs(
  packageName: string = PACKAGE,
  messages: Readonly<Record<string, MessageDescriptor>> = DESCRIPTOR,
): CodecTable {
  const root = new protobuf.Root();
  const scope = root.define(packageName);
  for (const [name, message] of Object.entries(messages)) {
    // protobufjs does not change it, but its type is not readonly.
    scope.add(
      protobuf.Type.fromJSON(name, message as unknown as protobuf.IType),
    );
  }
  root.resolveAll();
  return (name) => {
    const type = scope.lookupType(name);
    return {
      encode: (message) =>
        Buffer.from(type.encode(type.fromObject(message)).finish()),
      decode: (bytes) =>
        type.toObject(type.decode(bytes), { defaults: true, longs: Number }),
    };
  };
}

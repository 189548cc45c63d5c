/**
 * Messages of the control API to and from bytes. Loads protobufjs, so only what
 * speaks gRPC imports it, and dynamically.
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

/** One message type's way to bytes and back. */
export interface Codec {
  /** The bytes of a message; absent fields are their defaults. */
  encode(message: object): Buffer;
  /** The message in `bytes`, every field there, 64-bit ones as numbers. Throws where they are none. */
  decode(bytes: Uint8Array): object;
}

/** What {@link createCodecs} makes: a codec by the name of its message. */
export type CodecTable = (message: string) => Codec;

/**
 * The codecs of a package; those of `broker.proto` by default.
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
    // protobufjs only reads it, which its type does not say.
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

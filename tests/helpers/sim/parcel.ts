/** A message on its way between two simulated processes. */

import { Packer, unpack } from "../../../proto/wire/packed.ts";
import {
  Capability,
  isDictionary,
  type XpcDictionary,
  type XpcValue,
} from "../../../proto/wire/xpc_value.ts";

/** A packed message, and the listeners of the endpoints in it. */
export interface Parcel {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Listeners by the sender's handle of the endpoint. */
  readonly endpoints: ReadonlyMap<number, object>;
  /** The kind of the message, as text. */
  readonly text: string;
}

const packer = new Packer();

/** Makes a parcel of packed `bytes`; `endpointOf` resolves the sender's handles. Throws what `unpack` throws. */
export function wrap(
  bytes: Uint8Array,
  endpointOf: (handle: number) => object,
): Parcel {
  const { message, capabilities } = unpack(bytes);
  const endpoints = new Map<number, object>();
  for (const { kind, handle } of capabilities) {
    if (kind !== "endpoint") throw new Error(`not simulated: a ${kind}`);
    endpoints.set(handle, endpointOf(handle));
  }
  return { bytes: bytes.slice(), endpoints, text: describe(message) };
}

/** Returns the bytes for the receiver, with a new handle for each endpoint. */
export function unwrap(
  parcel: Parcel,
  newHandle: (listener: object) => number,
): Uint8Array<ArrayBuffer> {
  if (parcel.endpoints.size === 0) return parcel.bytes;
  const translated = (value: XpcValue | undefined): XpcValue | undefined => {
    if (value instanceof Capability) {
      const listener = parcel.endpoints.get(value.handle)!;
      return new Capability("endpoint", newHandle(listener));
    }
    if (Array.isArray(value)) return value.map((one) => translated(one)!);
    if (!isDictionary(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [key, translated(one)]),
    );
  };
  return packer.pack(translated(unpack(parcel.bytes).message) as XpcDictionary)
    .slice();
}

function describe(body: XpcDictionary): string {
  const word = body["ctrl_type"] ?? body["type"] ?? body["msg_type"];
  if (typeof word === "string") return word;
  return `{${Object.keys(body).slice(0, 3).join(", ")}}`;
}

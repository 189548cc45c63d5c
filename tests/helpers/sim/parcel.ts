/** A message on its way between two simulated processes. */

import { Packer, unpack } from "../../../proto/wire/packed.ts";
import {
  Capability,
  isDictionary,
  type XpcDictionary,
  type XpcValue,
} from "../../../proto/wire/xpc_value.ts";
import type { SimListener } from "./listener.ts";

/** A packed message, and what the endpoints in it lead to. */
export interface Parcel {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** By the sender's handle. */
  readonly endpoints: ReadonlyMap<number, SimListener>;
  /** What kind of message it is, in a word or two. */
  readonly text: string;
}

const packer = new Packer();

/** Packs up what `bytes` say; `endpointOf` knows the sender's handles. Throws what `unpack` throws. */
export function wrap(
  bytes: Uint8Array,
  endpointOf: (handle: number) => SimListener,
): Parcel {
  const { message, capabilities } = unpack(bytes);
  const endpoints = new Map<number, SimListener>();
  for (const { kind, handle } of capabilities) {
    if (kind !== "endpoint") throw new Error(`not simulated: a ${kind}`);
    endpoints.set(handle, endpointOf(handle));
  }
  return { bytes: bytes.slice(), endpoints, text: describe(message) };
}

/** The bytes as their receiver gets them: each endpoint is a handle of its own. */
export function unwrap(
  parcel: Parcel,
  newHandle: (listener: SimListener) => number,
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

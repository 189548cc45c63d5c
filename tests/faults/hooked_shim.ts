/**
 * The real shim with hooks: they are called with each message's name right before
 * and right after it is sent.
 */

import type { TimerClock } from "../../ffi/clock.ts";
import { localShim, type Shim } from "../../ffi/shim.ts";
import type { Symbols } from "../../ffi/symbols.ts";
import { CHANNEL_KEY, KEY } from "../../proto/wire/keys.ts";
import { unpack } from "../../proto/wire/packed.ts";
import { getString, type XpcDictionary } from "../../proto/wire/xpc_value.ts";
import type { Hooks } from "./moments.ts";

const HEADER_BYTES = 24;
const EVENT_MESSAGE = 1;
const EVENT_REPLY = 2;

/** The options of a hooked shim. */
interface HookedShimOptions {
  /** Default: this machine's. */
  readonly clock?: TimerClock;
  /** Called for every reply that comes. */
  received?(reply: XpcDictionary): void;
}

/** The shim of this machine. */
export function hookedShim(
  { at, heard }: Hooks,
  { clock, received }: HookedShimOptions = {},
): Shim {
  const shim = localShim(true);
  const { symbols } = shim;
  /** The name of each request that is not answered yet, by its reply's handle. */
  const asked = new Map<number, string>();

  const around = <R>(name: string | undefined, act: () => R): R => {
    if (name !== undefined) at(name, "before");
    const result = act();
    if (name !== undefined) at(name, "after");
    return result;
  };
  const hooked: Partial<Symbols> = {
    slb_endpoint_create: (listener) =>
      around("endpoint", () => symbols.slb_endpoint_create(listener)),
    slb_connection_send: (connection, message, length) =>
      around(
        nameOf(bodyIn(message, length)),
        () => symbols.slb_connection_send(connection, message, length),
      ),
    slb_connection_request: (connection, message, length, id) =>
      around(
        nameOf(bodyIn(message, length)),
        () => symbols.slb_connection_request(connection, message, length, id),
      ),
    slb_reply_send: (reply, message, length) => {
      const name = asked.get(reply);
      asked.delete(reply);
      return around(
        name && `reply to ${name}`,
        () => symbols.slb_reply_send(reply, message, length),
      );
    },
    slb_queue_drain: (queue, buffer, capacity) => {
      const written = symbols.slb_queue_drain(queue, buffer, capacity);
      for (const { event, subject, body } of recordsIn(buffer, written)) {
        if (event === EVENT_REPLY) received?.(body);
        const name = event === EVENT_MESSAGE && nameOf(body);
        if (!name) continue;
        if (subject !== 0) asked.set(subject, name);
        heard?.(name);
      }
      return written;
    },
  };
  return {
    ...shim,
    clock: clock ?? shim.clock,
    symbols: { ...symbols, ...hooked },
    [Symbol.dispose]: () => shim[Symbol.dispose](),
  };
}

function nameOf(body: XpcDictionary): string | undefined {
  return getString(body, KEY.type) ?? getString(body, CHANNEL_KEY.ctrlType);
}

/** The arguments of the C functions; ffi/ always passes bytes. */
type Buffer = Parameters<Symbols["slb_queue_drain"]>[1];

function bytesOf(buffer: Buffer): Uint8Array {
  return buffer as Uint8Array;
}

function bodyIn(buffer: Buffer, length: number): XpcDictionary {
  return unpack(bytesOf(buffer).subarray(0, length)).message;
}

/** The messages and replies among the events that were drained; the header describes them. */
function* recordsIn(
  buffer: Buffer,
  written: number,
): Generator<{ event: number; subject: number; body: XpcDictionary }> {
  const bytes = bytesOf(buffer);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = 0; at < written; at += view.getUint32(at, true)) {
    const length = view.getUint32(at, true);
    if (length === HEADER_BYTES) continue;
    yield {
      event: view.getUint32(at + 4, true),
      subject: view.getUint32(at + 12, true),
      body: bodyIn(bytes.subarray(at + HEADER_BYTES), length - HEADER_BYTES),
    };
  }
}

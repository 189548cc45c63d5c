/**
 * Ways in which user code gives the memory behind a view to another owner. The
 * view's `ArrayBuffer` is detached, and the new owner has another one over the
 * same memory.
 */

import { valuesOf } from "./scenes.ts";
import { soon } from "./soon.ts";

/** Any view of memory that is not shared between isolates. */
export type View = ArrayBufferView<ArrayBuffer>;

/** Returns the bytes of a view as their new owner sees them. */
export type Transfer = (view: View) => Promise<Uint8Array>;

/** Reads `view.byteLength` bytes into the view: those that are there already. */
async function readInto(view: View): Promise<Uint8Array> {
  const bytes = bytesOf(view).slice();
  const stream = new ReadableStream({
    type: "bytes",
    pull(controller: ReadableByteStreamController): void {
      const { view, respond } = bound(controller.byobRequest!);
      bytesOf(view as View).set(bytes);
      respond(bytes.length);
    },
  });
  const reader = stream.getReader({ mode: "byob" });
  return (await reader.read(bytesOf(view))).value!;
}

function bound(request: ReadableStreamBYOBRequest) {
  return {
    view: request.view!,
    respond: (bytes: number): void => request.respond(bytes),
  };
}

async function post(view: View): Promise<Uint8Array> {
  const { port1, port2 } = new MessageChannel();
  const received = Promise.withResolvers<Uint8Array>();
  port2.onmessage = ({ data }) => received.resolve(data);
  port1.postMessage(bytesOf(view), [view.buffer]);
  const bytes = await soon(received.promise, "the bytes");
  port1.close();
  port2.close();
  return bytes;
}

function bytesOf({ buffer, byteOffset, byteLength }: View) {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Each way, by its name. */
export const TRANSFERS: readonly (readonly [name: string, Transfer])[] = [
  ["structuredClone", (view) =>
    Promise.resolve(
      structuredClone(bytesOf(view), { transfer: [view.buffer] }),
    )],
  ["ArrayBuffer.transfer", (view) => {
    const { byteOffset, byteLength } = view;
    const moved = view.buffer.transfer();
    return Promise.resolve(new Uint8Array(moved, byteOffset, byteLength));
  }],
  ["postMessage", post],
  ["a read into it", readInto],
];

/** The views in a frame, at any depth. */
export function viewsOf(frame: unknown): View[] {
  if (typeof frame !== "object" || frame === null) return [];
  if ("pixels" in frame) return [frame.pixels as View];
  if (ArrayBuffer.isView(frame)) return [frame as View];
  return valuesOf(frame).flatMap(viewsOf);
}

/** What a transfer has moved: the new owner's bytes, and what they were. */
export interface Moved {
  /** The new owner's view. */
  readonly bytes: Uint8Array;
  /** A copy from before the transfer. */
  readonly was: Uint8Array;
}

/** Transfers every view of a frame. */
export async function giveAway(
  frame: unknown,
  transfer: Transfer,
): Promise<Moved[]> {
  const moved: Moved[] = [];
  for (const view of viewsOf(frame)) {
    const was = bytesOf(view).slice();
    moved.push({ bytes: await transfer(view), was });
  }
  return moved;
}

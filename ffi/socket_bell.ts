/**
 * Bells that the event loop reads as sockets.
 *
 * @module
 */

import { Socket } from "node:net";
import type { Bell } from "./bell.ts";
import { looked } from "./turns.ts";
import { reportUncaught } from "./uncaught.ts";

/** The most rings that are read at once. */
const RINGS_AT_ONCE = 256;

/** Takes over the descriptor of a bell; see {@link Bells.bell}. */
export function socketBell(
  fd: number,
  ring: (count: number) => void,
  shut?: () => void,
): Bell {
  const options = {
    fd,
    readable: true,
    writable: false,
    // A stream of "data" events would make an object for each ring.
    onread: {
      buffer: new Uint8Array(RINGS_AT_ONCE),
      callback: (count: number) => {
        looked();
        ring(count);
        return true;
      },
    },
  };
  // Old versions of @types/node, which a user may have, do not know `onread`.
  const bell = new Socket(options as ConstructorParameters<typeof Socket>[0]);
  if (shut) bell.on("end", shut);
  // This process owns the descriptor, and nobody else can make it fail: an error is a bug.
  bell.on("error", (error: Error) => reportUncaught(error));
  bell.resume();
  bell.unref();
  return {
    ref: () => void bell.ref(),
    unref: () => void bell.unref(),
    [Symbol.dispose]: () => void bell.destroy(),
  };
}

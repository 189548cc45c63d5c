/** Collects garbage in a process that was started without a flag for it. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");

const collect: () => void = runInNewContext("gc");

/** Collects everything that is unreachable, and what only that has kept. */
export function collectGarbage(): void {
  collect();
  collect();
}

/** How many orders one explored run stands for. */

import { conflict, type Footprint } from "./explorer.ts";

/**
 * The number of orders of these steps in which every two that conflict stand as
 * they do here: the orders that nobody can tell from this one.
 *
 * @param steps what each step touched, in their order
 */
export function orders(steps: readonly Footprint[]): number {
  const before = steps.map((step, index) =>
    steps.slice(0, index).flatMap((other, at) =>
      conflict(step, other) ? [at] : []
    )
  );
  // By the set of steps that are done, as a number: few sets are possible.
  let counts = new Map<bigint, number>([[0n, 1]]);
  for (let done = 0; done < steps.length; done++) {
    const next = new Map<bigint, number>();
    for (const [set, count] of counts) {
      for (const [index, needed] of before.entries()) {
        const bit = 1n << BigInt(index);
        if (set & bit || needed.some((at) => !(set >> BigInt(at) & 1n))) {
          continue;
        }
        next.set(set | bit, (next.get(set | bit) ?? 0) + count);
      }
    }
    counts = next;
  }
  return [...counts.values()][0]!;
}

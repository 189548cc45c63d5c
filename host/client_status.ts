/**
 * What a client said that it does, as text: for the failure of one that hangs or
 * has died.
 *
 * @module
 */

import type { StatusWords } from "../channel/status_page.ts";
import { DOING, FIRST_CALL } from "../proto/wire/status_layout.ts";

/** What the words of a client refer to. */
export interface StatusNames {
  /** The names of its inputs, in the order of the host's ports, each with the number of frames that were sent on it to earlier clients. */
  readonly sentBefore: ReadonlyMap<string, number>;
  /** The names of its calls, in the order in which it declares them. */
  readonly calls: readonly string[];
}

/** Describes what a client does, as a part of a sentence; "" if it has not said so. Words that mean nothing are left out. */
export function statusText(
  { doing, port, frame }: StatusWords,
  { sentBefore, calls }: StatusNames,
): string {
  const call = calls[doing - FIRST_CALL];
  const hook = doing === 0 ? undefined : DOING[doing];
  const [name, before] = [...sentBefore][port - 1] ?? [];
  return [
    ...(hook === undefined ? [] : [`in ${hook}()`]),
    ...(call === undefined ? [] : [`in the call '${call}'`]),
    ...(name === undefined || before === undefined || frame === 0
      ? []
      : [`the frame that it read last: number ${before + frame} on '${name}'`]),
  ].join(", ");
}

/**
 * The features of the channel that came after its first version. A client names
 * in `hello` what it can, the host answers in `ping` with those of them that both
 * use. A peer that names none has none.
 *
 * @module
 */

import { MAX_FEATURES, MAX_NAME_BYTES } from "../limits.ts";
import { CHANNEL_KEY } from "./keys.ts";
import type { XpcDictionary } from "./xpc_value.ts";

/**
 * The features of this library:
 *
 * - `ends`: the control messages `end` and `flushed`
 * - `moves`: a frame can give the receiver's own memory back to it
 * - `marks`: the host says the marks of its ports' fields
 * - `minors`: both sides say the minor versions of their ports' schemas
 * - `formats`: both sides say the pixel formats that their ports list
 * - `requests`: the control messages `declared`, `set`, `call`, `cancel` and `answer`
 * - `status`: the client says what it does in memory that the host offers in `ping`, and answers `check` with `checked`
 * - `lanes`: frames travel as records in shared memory, which the host offers in `ping`
 */
export const FEATURES = [
  "ends",
  "moves",
  "marks",
  "minors",
  "formats",
  "requests",
  "status",
  "lanes",
] as const;

/** The name of a feature. */
export type Feature = (typeof FEATURES)[number];

/** The features that both sides of a channel use. */
export type Features = ReadonlySet<Feature>;

/** Without any feature: how a peer of the first version is served. */
export const NO_FEATURES: Features = new Set();

/** Returns what a `hello` or a `ping` says of features: nothing, if there are none. */
export function featuresFields(features: Iterable<Feature>): XpcDictionary {
  const names = [...features];
  return names.length === 0 ? {} : { [CHANNEL_KEY.features]: names };
}

/**
 * Returns the features that a `hello` or a `ping` names. What is not a name is
 * left out, and so is everything after the first {@link MAX_FEATURES} entries.
 */
export function parseFeatures(message: XpcDictionary): readonly string[] {
  const given = message[CHANNEL_KEY.features];
  if (!Array.isArray(given)) return [];
  return given.slice(0, MAX_FEATURES).filter((name) =>
    typeof name === "string" && name.length <= MAX_NAME_BYTES
  );
}

/** Returns the features that both sides have. A name that this side does not know is ignored. */
export function chosenFeatures(
  theirs: readonly string[],
  mine: readonly Feature[] = FEATURES,
): Features {
  return new Set(mine.filter((feature) => theirs.includes(feature)));
}

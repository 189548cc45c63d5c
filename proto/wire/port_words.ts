/**
 * What a side says of its ports beyond the first version: the host in `ping`,
 * the module in `started`. Each word only if both sides have its feature.
 *
 * @module
 */

import { MAX_FORMATS, MAX_NAME_BYTES } from "../limits.ts";
import { type FieldMarks, marksIn } from "../schema/marks/field_marks.ts";
import type { Port, PortMap, PortsOf } from "../schema/port.ts";
import type { PortWords } from "../schema/port_agreement.ts";
import type { Features } from "./features.ts";
import { CHANNEL_KEY } from "./keys.ts";
import {
  getDictionary,
  getNumber,
  isDictionary,
  uint64,
  type XpcDictionary,
} from "./xpc_value.ts";

/** Returns what a side says of one port. */
export function portWords(
  { schema, formats }: Port,
  features: Features,
): XpcDictionary {
  return {
    ...(features.has("minors") &&
      { [CHANNEL_KEY.minor]: uint64(schema.version.minor) }),
    ...(features.has("formats") && formats &&
      { [CHANNEL_KEY.formats]: formats }),
  };
}

/** Returns what the host says of its ports of one direction. Marks are for a module that declares no ports. */
export function hostsWords(
  ports: PortsOf<PortMap>,
  features: Features,
): XpcDictionary {
  return Object.fromEntries(
    Object.entries<Port>(ports).map(([name, port]) => [name, {
      ...portWords(port, features),
      ...(features.has("marks") &&
        { [CHANNEL_KEY.marks]: marksIn(port.schema.fields) }),
    }]),
  );
}

/** Returns what a peer says of one port. What cannot be read, or is of a feature that is not used, counts as not said. */
export function parseWords(
  words: XpcDictionary,
  features: Features,
): PortWords {
  const minor = features.has("minors")
    ? getNumber(words, CHANNEL_KEY.minor, "uint64")
    : undefined;
  const formats = features.has("formats")
    ? parseFormats(words[CHANNEL_KEY.formats])
    : undefined;
  const marks = features.has("marks")
    ? getDictionary(words, CHANNEL_KEY.marks)
    : undefined;
  return {
    ...(minor !== undefined && { minor: Number(minor) }),
    ...(formats && { formats }),
    ...(marks && { marks: parseMarks(marks) }),
  };
}

/** Returns what the host says of its ports, by name. */
export function parseHostsWords(
  ports: XpcDictionary | undefined,
  features: Features,
): ReadonlyMap<string, PortWords> {
  const words = new Map<string, PortWords>();
  for (const [name, said] of Object.entries(ports ?? {})) {
    if (isDictionary(said)) words.set(name, parseWords(said, features));
  }
  return words;
}

function parseFormats(list: XpcDictionary[string]): string[] | undefined {
  if (!Array.isArray(list)) return undefined;
  return list.slice(0, MAX_FORMATS).filter((name) =>
    typeof name === "string" && name.length <= MAX_NAME_BYTES
  );
}

function parseMarks(marks: XpcDictionary): FieldMarks {
  return Object.fromEntries(
    Object.entries(marks).filter((entry): entry is [string, string] =>
      typeof entry[1] === "string"
    ),
  );
}

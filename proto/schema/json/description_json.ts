/**
 * The JSON form of a processor: what it declares. `describe` returns it, and
 * `streamlib inspect` writes it.
 *
 * Reading is strict, as in `schema_json.ts`.
 *
 * @module
 */

import { MAX_SCHEMA_BYTES } from "../../limits.ts";
import { SettingsCodec } from "../../wire/settings_codec.ts";
import type { ConnectionSchema } from "../connection_schema.ts";
import type { ProcessorMode } from "../processor_types.ts";
import { Place } from "../schema_place.ts";
import {
  type ConnectionSchemaJson,
  connectionSchemaToJson,
  parseConnectionSchema,
} from "./connection_schema_json.ts";
import {
  type CallJson,
  type Declarations,
  declarationsToJson,
  parseDeclarations,
  type SettingJson,
} from "./declarations_json.ts";

/** What a processor declares, as JSON. */
export type ProcessorDescription = {
  /** When its functions are called. */
  readonly mode: ProcessorMode;
  /** Its ports, in the full form; `null` if it uses those of its host. */
  readonly ports: ConnectionSchemaJson | null;
  /** Its settings, in the order in which it declares them. */
  readonly settings: readonly SettingJson[];
  /** Its calls, in the order in which it declares them. */
  readonly calls: readonly CallJson[];
};

/** What {@link descriptionOf} describes: a processor. */
export interface Described {
  /** When its functions are called. */
  readonly mode: ProcessorMode;
  /** The ports that it declares; `undefined` if it uses the host's ports. */
  readonly schema: ConnectionSchema | undefined;
  /** The settings and calls that it declares. */
  readonly declared: Declarations;
}

/**
 * The key, by `Symbol.for`, of a method of each processor that returns its
 * {@link ProcessorDescription}. By it a processor made by another version of this
 * package can be described.
 */
export const DESCRIBE_KEY = "@streamlib/bridge.describe";

const MODES = ["reactive", "continuous", "manual"] as const;
const PLACE = new Place("the processor's description");
/** Ports, settings and calls have a limit each; the full form is longer than the base form. */
const MAX_DESCRIPTION_CHARACTERS = 4 * MAX_SCHEMA_BYTES;

/** Returns the JSON form of a processor. */
export function descriptionOf(
  { mode, schema, declared }: Described,
): ProcessorDescription {
  return {
    mode,
    ports: schema === undefined ? null : connectionSchemaToJson(schema, "full"),
    ...declarationsToJson(declared),
  };
}

/**
 * Reads the JSON form of a processor, from any source: the output of
 * `streamlib inspect FILE --json`, for example.
 *
 * ```ts
 * import { parseDescription } from "@streamlib/bridge";
 *
 * const { mode, ports } = parseDescription(
 *   '{"mode":"manual","ports":null,"settings":[],"calls":[]}',
 * );
 * console.log(mode, ports); // manual null
 * ```
 *
 * @throws {BridgeError} `schema_mismatch`, naming the place, if it is not valid;
 * `malformed_message` if the text is not JSON, or too long
 */
export function parseDescription(text: string): ProcessorDescription {
  const keys = PLACE.object(
    PLACE.json(text, MAX_DESCRIPTION_CHARACTERS),
    ["mode", "ports", "settings", "calls"],
  );
  const { ports, settings, calls } = keys as Record<string, unknown>;
  const mode = PLACE.oneOf("mode", keys["mode"], MODES);
  const schema = ports === null
    ? undefined
    : parseConnectionSchema(ports, "full");
  const declared = parseDeclarations(JSON.stringify({ settings, calls }));
  new SettingsCodec(declared.settings); // checks defaults and limits
  return descriptionOf({ mode, schema, declared });
}

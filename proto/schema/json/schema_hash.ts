/**
 * The hash with which both sides check that they have the same schema.
 *
 * @module
 */

import { sha256 } from "../../sha256.ts";
import { canonicalJson } from "./canonical_json.ts";
import type { ConnectionSchemaJson } from "./connection_schema_json.ts";

/**
 * Returns the SHA-256 of the canonical JSON of a connection's schema, as 64
 * hexadecimal digits. It takes the JSON, so that a receiver hashes exactly what
 * it received.
 */
export function schemaHash(json: ConnectionSchemaJson): string {
  return sha256(canonicalJson(json));
}

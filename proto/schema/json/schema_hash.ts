/**
 * The hash by which both sides know that they mean the same schema.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { canonicalJson } from "./canonical_json.ts";
import type { ConnectionSchemaJson } from "./connection_schema_json.ts";

/**
 * SHA-256 over the canonical JSON of a connection's schema: 64 hexadecimal
 * digits. Of the JSON, so that whoever received it can hash it as it came.
 */
export function schemaHash(json: ConnectionSchemaJson): string {
  return createHash("sha256").update(canonicalJson(json)).digest("hex");
}

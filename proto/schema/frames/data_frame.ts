/**
 * The schema of data whose form only its producer and consumer know.
 *
 * @module
 */

import { Bytes, field, Int64, String } from "../field_type.ts";
import type { Frame, Schema } from "../field_type.ts";
import { schema } from "../schema.ts";

/** Some data. */
export const DataFrame: Schema<{
  readonly data: Bytes;
  readonly schema_name: String;
  readonly timestamp_ns: Int64;
}> = schema({
  name: "DataFrame",
  version: { major: 1, minor: 0, patch: 0 },
  fields: {
    data: field(Bytes, "The data"),
    schema_name: field(String, "What the data is, as its producer calls it"),
    timestamp_ns: field(Int64, "When it was made, monotonic, nanoseconds"),
  },
});

/** Some data. */
export type DataFrame = Frame<typeof DataFrame>;

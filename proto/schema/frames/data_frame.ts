/**
 * The schema of data in a format that only its producer and consumer know.
 *
 * @module
 */

import { Bytes, field, Int64, String } from "../field_type.ts";
import type { Frame, Schema } from "../field_type.ts";
import { Clock } from "../marks/mark.ts";
import { schema } from "../schema.ts";

/** Bytes in a format that the producer and the consumer agree on. */
export const DataFrame: Schema<{
  /** The data. */
  readonly data: Bytes;
  /** What the data is, as its producer calls it. */
  readonly schema_name: String;
  /** When it was made, monotonic, nanoseconds. */
  readonly timestamp_ns: Clock<Int64>;
}> = schema({
  name: "DataFrame",
  version: { major: 1, minor: 0, patch: 0 },
  fields: {
    data: field(Bytes, "The data"),
    schema_name: field(String, "What the data is, as its producer calls it"),
    timestamp_ns: field(
      Clock(Int64),
      "When it was made, monotonic, nanoseconds",
    ),
  },
});

/** Bytes in a format that the producer and the consumer agree on. */
export type DataFrame = Frame<typeof DataFrame>;

/** What an attacking host and an attacking client send. */

import { DataFrame } from "../../proto/schema/frames/data_frame.ts";
import { port } from "../../proto/schema/port.ts";
import { frameMessage } from "../../proto/wire/frame_message.ts";
import { CHANNEL_KEY, MSG_TYPE } from "../../proto/wire/keys.ts";
import { int64, type XpcDictionary } from "../../proto/wire/xpc_value.ts";

/** The ports to the attacked side: one that skips, one that must not skip. */
export const ATTACKED_PORTS = {
  skipping: DataFrame,
  ordered: port(DataFrame, {
    read_behavior: "read_next_in_order",
    capacity: 4,
  }),
} as const;

/** A control message. */
export const attackControl = (
  type: string,
  fields: XpcDictionary = {},
): XpcDictionary => ({
  [CHANNEL_KEY.msgType]: MSG_TYPE.control,
  [CHANNEL_KEY.ctrlType]: type,
  ...fields,
});

/** A frame of 100,000 bytes for a port. */
export const attackFrame = (name: string, id: bigint): XpcDictionary =>
  frameMessage(id, name, {
    data: new Uint8Array(100_000),
    schema_name: "attack",
    timestamp_ns: int64(id),
  });

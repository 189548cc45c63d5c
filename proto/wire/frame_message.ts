/**
 * The message that carries a frame over the channel:
 * `{msg_type: "frame", frame_id, port_name, fields}`. The fields of the frame
 * are in a separate dictionary, so that their names cannot collide with the
 * other keys.
 *
 * @module
 */

import { CHANNEL_KEY, MSG_TYPE } from "./keys.ts";
import {
  getDictionary,
  getNumber,
  getString,
  uint64,
  type XpcDictionary,
  type XpcValue,
} from "./xpc_value.ts";

/** The content of a frame message. */
export interface FrameMessage {
  /** The number of the frame, counted over all ports of its sender. Never repeated. */
  readonly frame_id: bigint;
  /** The name of the port, as seen by the client. */
  readonly port_name: string;
  /** The fields of the frame, encoded by its schema's codec. */
  readonly fields: XpcDictionary;
  /** A separate object. Older peers send a frame's surface this way; this library never does. */
  readonly handle?: XpcValue;
}

/** Makes the message of a frame. Throws a RangeError if `frame_id` is not an unsigned 64-bit integer. */
export function frameMessage(
  frame_id: bigint,
  port_name: string,
  fields: XpcDictionary,
): XpcDictionary {
  return {
    [CHANNEL_KEY.msgType]: MSG_TYPE.frame,
    [CHANNEL_KEY.frameId]: uint64(frame_id),
    [CHANNEL_KEY.portName]: port_name,
    [CHANNEL_KEY.fields]: fields,
  };
}

/**
 * Returns the content of a message with the `msg_type` `frame`, or what is wrong
 * with it. Unknown keys are ignored: a newer peer may add some.
 */
export function parseFrameMessage(
  message: XpcDictionary,
): FrameMessage | string {
  const frame_id = getNumber(message, CHANNEL_KEY.frameId, "uint64");
  if (frame_id === undefined) return lacks(CHANNEL_KEY.frameId, "uint64");
  const port_name = getString(message, CHANNEL_KEY.portName);
  if (port_name === undefined) return lacks(CHANNEL_KEY.portName, "string");
  const fields = getDictionary(message, CHANNEL_KEY.fields);
  if (fields === undefined) return lacks(CHANNEL_KEY.fields, "dictionary");
  const handle = message[CHANNEL_KEY.handle];
  return handle === undefined
    ? { frame_id, port_name, fields }
    : { frame_id, port_name, fields, handle };
}

function lacks(key: string, type: string): string {
  return `a frame's message needs '${key}', of type ${type}`;
}

/**
 * The message in which a frame crosses the channel:
 * `{msg_type: "frame", frame_id, port_name, fields}`. The fields of the frame
 * are in a dictionary of their own and cannot collide with the rest.
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

/** A frame on its way. */
export interface FrameMessage {
  /** Counts the frames of one side, over all its ports: never the same twice. */
  readonly frame_id: bigint;
  /** The port, as the client names it. */
  readonly port_name: string;
  /** The frame, as its schema's codec writes and reads it. */
  readonly fields: XpcDictionary;
  /** A bare object beside the fields. Older peers send a frame's surface so; we never do. */
  readonly handle?: XpcValue;
}

/** The message that carries a frame. Throws a RangeError where `frame_id` is no unsigned 64-bit integer. */
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
 * The frame in a message whose `msg_type` is `frame`, or what is wrong with
 * the message. Keys that are not known are ignored: a newer peer may add some.
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

/**
 * The message that ends a port: no frame follows on it.
 *
 * @module
 */

import { CHANNEL_KEY, CTRL_TYPE, MSG_TYPE } from "./keys.ts";
import type { XpcDictionary } from "./xpc_value.ts";

/**
 * Makes the control message that ends a port of its sender.
 *
 * @param dropped the field that says how many frames this side has dropped, if the peer does not know it
 */
export function endMessage(
  portName: string,
  dropped: XpcDictionary = {},
): XpcDictionary {
  return {
    [CHANNEL_KEY.msgType]: MSG_TYPE.control,
    [CHANNEL_KEY.ctrlType]: CTRL_TYPE.end,
    [CHANNEL_KEY.portName]: portName,
    ...dropped,
  };
}

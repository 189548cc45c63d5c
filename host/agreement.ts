/**
 * What host and module agree on for their ports, on the host's side.
 *
 * @module
 */

import type { Channel } from "../channel/channel.ts";
import { BridgeError } from "../proto/errors.ts";
import { fitText } from "../proto/escape.ts";
import { MAX_NAME_BYTES } from "../proto/limits.ts";
import type { ConnectionSchema } from "../proto/schema/connection_schema.ts";
import type { PortMap } from "../proto/schema/port.ts";
import type { Features } from "../proto/wire/features.ts";
import { CHANNEL_KEY } from "../proto/wire/keys.ts";
import { parsePortsMessage } from "../proto/wire/port_terms.ts";
import { hostsWords } from "../proto/wire/port_words.ts";
import {
  getDictionary,
  getString,
  type XpcDictionary,
} from "../proto/wire/xpc_value.ts";

/** Returns what the message `ping` says of the host's ports. */
export function portsInPing(
  { inputs, outputs }: ConnectionSchema,
  features: Features,
): XpcDictionary {
  const said = features.has("marks") || features.has("minors") ||
    features.has("formats");
  return said
    ? {
      [CHANNEL_KEY.inputs]: hostsWords(inputs, features),
      [CHANNEL_KEY.outputs]: hostsWords(outputs, features),
    }
    : {};
}

/**
 * Uses the ports as the message `started` says. Returns the reason if that is not
 * possible: `bad_argument` if the module is of another mode than its host, or
 * `schema_mismatch` or `malformed_message` with the port's name.
 */
export function agreeWithModule(
  channel: Channel<PortMap, PortMap>,
  { inputs, outputs }: ConnectionSchema,
  processorType: string,
  started: XpcDictionary,
): BridgeError | undefined {
  const mode = getString(started, CHANNEL_KEY.mode);
  if (mode !== undefined && mode !== processorType) {
    return new BridgeError(
      "bad_argument",
      `the module is a ${
        fitText(mode, MAX_NAME_BYTES)
      } processor, this host is ${processorType}`,
    );
  }
  const used = (key: string): XpcDictionary | undefined =>
    getDictionary(started, key);
  const incoming = parsePortsMessage(
    "output",
    outputs,
    used(CHANNEL_KEY.outputs),
    channel.features,
  );
  if (incoming instanceof BridgeError) return incoming;
  const outgoing = parsePortsMessage(
    "input",
    inputs,
    used(CHANNEL_KEY.inputs),
    channel.features,
  );
  if (outgoing instanceof BridgeError) return outgoing;
  channel.agree(outgoing, incoming);
  return undefined;
}

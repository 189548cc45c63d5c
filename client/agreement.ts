/**
 * What host and module agree on for their ports, on the client's side.
 *
 * @module
 */

import type { Channel } from "../channel/channel.ts";
import type { ConnectionSchema } from "../proto/schema/connection_schema.ts";
import type { PortMap } from "../proto/schema/port.ts";
import { agreePorts } from "../proto/schema/port_agreement.ts";
import { CHANNEL_KEY } from "../proto/wire/keys.ts";
import { portsMessage } from "../proto/wire/port_terms.ts";
import type { XpcDictionary } from "../proto/wire/xpc_value.ts";
import type { Context } from "./processor.ts";

/** The ports of a processor. */
export interface ProcessorPorts
  extends Pick<Context<PortMap, PortMap>, "input" | "output"> {
  /** What the message `started` says of them. */
  readonly message: XpcDictionary;
}

/**
 * Compares the ports that a module declares with its host's, and has the channel
 * use them as both say.
 *
 * @param declared undefined if the module declares none: then it has the host's
 * @throws {BridgeError} `schema_mismatch`, naming the port, if they do not go together
 */
export function agreeWithHost(
  channel: Channel<PortMap, PortMap>,
  hosts: ConnectionSchema,
  declared: ConnectionSchema | undefined,
): ProcessorPorts {
  if (!declared) {
    const { senders: output, receivers: input } = channel;
    return { input, output, message: {} };
  }
  const inputs = agreePorts("input", hosts.inputs, declared.inputs);
  const outputs = agreePorts("output", hosts.outputs, declared.outputs);
  const { senders, receivers } = channel.withUnconnected(
    outputs.unconnected,
    inputs.unconnected,
  );
  channel.agree(outputs.terms, inputs.terms);
  return {
    input: receivers,
    output: senders,
    message: {
      [CHANNEL_KEY.inputs]: portsMessage(inputs.terms, declared.inputs),
      [CHANNEL_KEY.outputs]: portsMessage(outputs.terms, declared.outputs),
    },
  };
}

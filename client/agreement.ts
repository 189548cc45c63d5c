/**
 * What host and module agree on for their ports, on the client's side.
 *
 * @module
 */

import type { Channel } from "../channel/channel.ts";
import type { ConnectionSchema } from "../proto/schema/connection_schema.ts";
import { withMarks } from "../proto/schema/marks/field_marks.ts";
import type { Port, PortMap, PortsOf } from "../proto/schema/port.ts";
import { agreePorts, type HostsWords } from "../proto/schema/port_agreement.ts";
import { CHANNEL_KEY } from "../proto/wire/keys.ts";
import { portsMessage } from "../proto/wire/port_terms.ts";
import { parseHostsWords } from "../proto/wire/port_words.ts";
import { getDictionary, type XpcDictionary } from "../proto/wire/xpc_value.ts";
import type { AnyContext } from "./context.ts";

/** The ports of a processor. */
export interface ProcessorPorts extends Pick<AnyContext, "input" | "output"> {
  /** What the message `started` says of them. */
  readonly message: XpcDictionary;
}

/**
 * Compares the ports that a module declares with its host's, and has the channel
 * use them as both say.
 *
 * @param declared undefined if the module declares none: then it has the host's
 * @param ping the host's message, which may say more of its ports
 * @throws {BridgeError} `schema_mismatch`, naming the port, if they do not go together
 */
export function agreeWithHost(
  channel: Channel<PortMap, PortMap>,
  hosts: ConnectionSchema,
  declared: ConnectionSchema | undefined,
  ping: XpcDictionary = {},
): ProcessorPorts {
  const { features } = channel;
  const said = (key: string): HostsWords => ({
    ports: parseHostsWords(getDictionary(ping, key), features),
    agreesOnFormats: features.has("formats"),
  });
  const saidOfInputs = said(CHANNEL_KEY.inputs);
  const saidOfOutputs = said(CHANNEL_KEY.outputs);
  const modules = declared ?? {
    inputs: markedPorts(hosts.inputs, saidOfInputs),
    outputs: markedPorts(hosts.outputs, saidOfOutputs),
  };
  const inputs = agreePorts(
    "input",
    hosts.inputs,
    modules.inputs,
    saidOfInputs,
  );
  const outputs = agreePorts(
    "output",
    hosts.outputs,
    modules.outputs,
    saidOfOutputs,
  );
  const { senders, receivers } = channel.withUnconnected(
    outputs.unconnected,
    inputs.unconnected,
  );
  channel.agree(outputs.terms, inputs.terms);
  return {
    input: receivers,
    output: senders,
    message: declared
      ? {
        [CHANNEL_KEY.inputs]: portsMessage(
          inputs.terms,
          declared.inputs,
          features,
        ),
        [CHANNEL_KEY.outputs]: portsMessage(
          outputs.terms,
          declared.outputs,
          features,
        ),
      }
      : {},
  };
}

/** The host's ports for a module that declares none: their base form, with the marks that the host says. */
function markedPorts(
  ports: PortsOf<PortMap>,
  { ports: words }: HostsWords,
): PortsOf<PortMap> {
  return Object.fromEntries(
    Object.entries<Port>(ports).map(([name, port]) => {
      const marks = words.get(name)?.marks;
      return [
        name,
        marks ? { ...port, schema: withMarks(port.schema, marks) } : port,
      ];
    }),
  );
}

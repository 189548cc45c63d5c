/**
 * The schema of a connection: all of its ports, as the client sees them.
 *
 * @module
 */

import { type Port, port, type PortMap, type PortsOf } from "./port.ts";
import { checkIdentifier } from "./schema_check.ts";
import { hasProperties, Place, quote, show } from "./schema_place.ts";

/** The most inputs of a connection, and the most outputs. */
export const MAX_PORTS = 64;

/** The ports of a connection. Made by {@link connectionSchema} or {@link parseConnectionSchema}; immutable. */
export interface ConnectionSchema<
  I extends PortMap = PortMap,
  O extends PortMap = PortMap,
> {
  /** The ports on which the client receives, by name. A port's index is its position in the map. */
  readonly inputs: PortsOf<I>;
  /** The ports on which the client sends, by name. A port's index is its position in the map. */
  readonly outputs: PortsOf<O>;
}

/** No ports. */
export type NoPorts = Record<never, never>;

/**
 * Makes the schema of a connection from its ports.
 *
 * @param ports the ports by name; a generator has no inputs
 * @throws {BridgeError} `schema_mismatch` if a name cannot be that of a port, or if
 * there are too many; `bad_argument` if one is neither a schema nor a port
 */
export function connectionSchema<
  const I extends PortMap = NoPorts,
  const O extends PortMap = NoPorts,
>(
  ports: { readonly inputs?: I; readonly outputs?: O },
): ConnectionSchema<I, O> {
  return Object.freeze({
    inputs: portsOf("input", ports.inputs ?? ({} as I)),
    outputs: portsOf("output", ports.outputs ?? ({} as O)),
  });
}

function portsOf<M extends PortMap>(side: string, map: M): PortsOf<M> {
  new Place(`the ${side}s`).map(map, "{ video: VideoFrame }");
  const entries = Object.entries(map);
  if (entries.length > MAX_PORTS) {
    CONNECTION.refuse(
      `it has ${entries.length} ${side}s; at most ${MAX_PORTS} are allowed`,
    );
  }
  const ports = entries.map(([name, given]): [string, Port] => {
    checkIdentifier(CONNECTION, `the ${side}'s name`, name);
    checkGiven(new Place(`the ${side} ${quote(name)}`), given);
    return [name, "schema" in given ? given : port(given)];
  });
  return Object.freeze(Object.fromEntries(ports)) as PortsOf<M>;
}

/** TypeScript refuses what is neither a schema nor a port. JavaScript does not. */
function checkGiven(place: Place, given: unknown): void {
  if (
    hasProperties(given) &&
    (hasProperties(given["schema"]) || hasProperties(given["fields"]))
  ) {
    return;
  }
  place.misuse(
    `it is ${
      show(given)
    }, neither a schema nor a port; write VideoFrame, or port(VideoFrame)`,
  );
}

const CONNECTION = new Place("the connection's schema");

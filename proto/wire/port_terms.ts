/**
 * The ports in the message `started`: which ones the module uses, and how.
 *
 * @module
 */

import { BridgeError } from "../errors.ts";
import type { Port, PortMap, PortsOf } from "../schema/port.ts";
import type { ReadBehavior } from "../schema/field_type.ts";
import {
  missingInModule,
  type PortSide,
  type PortTerms,
} from "../schema/port_agreement.ts";
import { READ_BEHAVIORS } from "../schema/schema_check.ts";
import { CHANNEL_KEY } from "./keys.ts";
import {
  getDictionary,
  getNumber,
  getString,
  uint64,
  type XpcDictionary,
} from "./xpc_value.ts";

/**
 * Returns the dictionary that says which ports of one direction a module uses.
 *
 * @param terms the ports that both sides have, by name
 * @param declared the ports that the module declares
 */
export function portsMessage(
  terms: ReadonlyMap<string, PortTerms>,
  declared: PortsOf<PortMap>,
): XpcDictionary {
  return Object.fromEntries(
    [...terms].map(([name, { read_behavior, capacity }]) => [name, {
      [CHANNEL_KEY.readBehavior]: read_behavior,
      [CHANNEL_KEY.capacity]: uint64(capacity),
      [CHANNEL_KEY.given]: declared[name]?.given_read_behavior,
    }]),
  );
}

/**
 * Returns the terms of the ports that the module uses. A module that says
 * nothing of its ports uses the host's.
 *
 * @param message the dictionary of {@link portsMessage}, from a peer; undefined if there is none
 * @returns the terms, or why they cannot be used, with the port's name:
 * `schema_mismatch` if the module does not use a port that the host requires, or
 * if the read behavior that the module's port names is not the one that the
 * host's port names; `malformed_message` if the terms are less strict than the
 * host's
 */
export function parsePortsMessage(
  side: PortSide,
  hosts: PortsOf<PortMap>,
  message: XpcDictionary | undefined,
): ReadonlyMap<string, PortTerms> | BridgeError {
  const terms = new Map<string, PortTerms>();
  for (const [name, port] of Object.entries<Port>(hosts)) {
    const used = message ? getDictionary(message, name) : portTerms(port);
    if (used) {
      const parsed = parseTerms(side, name, port, used);
      if (parsed instanceof BridgeError) return parsed;
      terms.set(name, parsed);
    } else if (port.required) {
      return new BridgeError(
        "schema_mismatch",
        `The ${side} '${name}' differs: ${missingInModule(port)}`,
      );
    }
  }
  return terms;
}

function portTerms({ read_behavior, capacity }: Port): XpcDictionary {
  return {
    [CHANNEL_KEY.readBehavior]: read_behavior,
    [CHANNEL_KEY.capacity]: uint64(capacity),
  };
}

function parseTerms(
  side: PortSide,
  name: string,
  port: Port,
  used: XpcDictionary,
): PortTerms | BridgeError {
  const given = readBehavior(used, CHANNEL_KEY.given);
  const hosts = port.given_read_behavior;
  if (given !== undefined && hosts !== undefined && given !== hosts) {
    return new BridgeError(
      "schema_mismatch",
      `The ${side} '${name}' contradicts itself: the host's port says ${hosts}, the module's ${given}; ` +
        "give read_behavior in one of them, or the same in both",
    );
  }
  const read_behavior = readBehavior(used, CHANNEL_KEY.readBehavior);
  const capacity = getNumber(used, CHANNEL_KEY.capacity, "uint64");
  if (
    read_behavior === undefined || capacity === undefined || capacity < 1n ||
    capacity > BigInt(port.capacity) ||
    (port.read_behavior === "read_next_in_order" &&
      read_behavior !== port.read_behavior)
  ) {
    return new BridgeError(
      "malformed_message",
      `Cannot use the ${side} '${name}' as the client says: it must be as strict as the host's port, ` +
        `which is ${port.read_behavior} with a capacity of ${port.capacity}`,
    );
  }
  return { read_behavior, capacity: Number(capacity) };
}

function readBehavior(
  used: XpcDictionary,
  key: string,
): ReadBehavior | undefined {
  const text = getString(used, key);
  return READ_BEHAVIORS.find((known) => known === text);
}

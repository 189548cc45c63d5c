/**
 * The ports in the message `started`: which ones the module uses, and how.
 *
 * @module
 */

import { BridgeError } from "../errors.ts";
import { laneLayoutHash } from "../lane/agreed_layout.ts";
import type { Port, PortMap, PortsOf } from "../schema/port.ts";
import type { ReadBehavior } from "../schema/field_type.ts";
import {
  agreeOnFrames,
  missingInModule,
  type PortSide,
  type PortTerms,
} from "../schema/port_agreement.ts";
import { READ_BEHAVIORS } from "../schema/schema_check.ts";
import { type Features, NO_FEATURES } from "./features.ts";
import { CHANNEL_KEY } from "./keys.ts";
import { parseWords, portWords } from "./port_words.ts";
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
 * @param features what both sides use beyond the first version
 */
export function portsMessage(
  terms: ReadonlyMap<string, PortTerms>,
  declared: PortsOf<PortMap>,
  features: Features = NO_FEATURES,
): XpcDictionary {
  return Object.fromEntries(
    [...terms].map(([name, { read_behavior, capacity, minor }]) => {
      const port = declared[name];
      return [name, {
        [CHANNEL_KEY.readBehavior]: read_behavior,
        [CHANNEL_KEY.capacity]: uint64(capacity),
        [CHANNEL_KEY.given]: port?.given_read_behavior,
        ...(port && portWords(port, features)),
        ...(port && features.has("lanes") &&
          { [CHANNEL_KEY.layout]: layoutOf(port, minor) }),
      }];
    }),
  );
}

/**
 * Returns the terms of the ports that the module uses. A module that says
 * nothing of its ports uses the host's.
 *
 * @param message the dictionary of {@link portsMessage}, from a peer; undefined if there is none
 * @returns the terms, or why they cannot be used, with the port's name:
 * `schema_mismatch` if the module does not use a port that the host requires, if
 * the read behavior that the module's port names is not the one that the host's
 * port names, or if no pixel format is in both lists; `malformed_message` if the terms are less strict than the
 * host's
 */
export function parsePortsMessage(
  side: PortSide,
  hosts: PortsOf<PortMap>,
  message: XpcDictionary | undefined,
  features: Features = NO_FEATURES,
): ReadonlyMap<string, PortTerms> | BridgeError {
  const terms = new Map<string, PortTerms>();
  for (const [name, port] of Object.entries<Port>(hosts)) {
    const used = message ? getDictionary(message, name) : portTerms(port);
    if (used) {
      const parsed = parseTerms(side, name, port, used);
      if (parsed instanceof BridgeError) return parsed;
      const frames = agreeOnFrames({
        side,
        isHost: true,
        port,
        words: parseWords(used, features),
        agreesOnFormats: features.has("formats"),
      });
      if (typeof frames === "string") {
        return new BridgeError(
          "schema_mismatch",
          `The ${side} '${name}' differs: ${frames}`,
        );
      }
      const layout = getString(used, CHANNEL_KEY.layout);
      if (
        features.has("lanes") && layout !== undefined &&
        layout !== layoutOf(port, frames.minor)
      ) {
        return new BridgeError(
          "schema_mismatch",
          `The ${side} '${name}' differs: both sides have ${port.schema.name} ${port.schema.version.major}.${
            frames.minor ?? port.schema.version.minor
          }, with different fields or variants since its base form; ` +
            "use the same schema on both sides, or raise the minor version with each addition",
        );
      }
      terms.set(name, { ...parsed, ...frames });
    } else if (port.required) {
      return new BridgeError(
        "schema_mismatch",
        `The ${side} '${name}' differs: ${missingInModule(port)}`,
      );
    }
  }
  return terms;
}

function layoutOf({ schema }: Port, minor = schema.version.minor): string {
  return laneLayoutHash(schema, minor);
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

/**
 * How the ports of a connection work, from what host and module each say of
 * them. Of two values the stricter one holds: every frame in order rather than
 * the latest one, and the smaller capacity.
 *
 * @module
 */

import { BridgeError } from "../errors.ts";
import type { Schema } from "./field_type.ts";
import { canonicalJson } from "./json/canonical_json.ts";
import { schemaToJson } from "./json/schema_json.ts";
import type { Port, PortMap, PortsOf } from "./port.ts";

/** How one port works between the two sides. */
export type PortTerms = Pick<Port, "read_behavior" | "capacity">;

/** Which direction the ports of a map have, as the client sees it. */
export type PortSide = "input" | "output";

/** The ports of one direction, as host and module use them. */
export interface AgreedPorts {
  /** The terms of each port that both sides have, by name. */
  readonly terms: ReadonlyMap<string, PortTerms>;
  /** The optional ports that only the module has. */
  readonly unconnected: PortsOf<PortMap>;
}

/** Returns the terms that two sides of a port agree on. */
export function stricterTerms(one: PortTerms, other: PortTerms): PortTerms {
  return {
    read_behavior: one.read_behavior === "read_next_in_order"
      ? one.read_behavior
      : other.read_behavior,
    capacity: Math.min(one.capacity, other.capacity),
  };
}

/**
 * Compares the ports of host and module. A port that only one of them has must
 * be optional there: `required: false`.
 *
 * @throws {BridgeError} `schema_mismatch`, naming each port that one side lacks
 * and the other one requires, or whose schemas differ
 */
export function agreePorts(
  side: PortSide,
  hosts: PortsOf<PortMap>,
  modules: PortsOf<PortMap>,
): AgreedPorts {
  const terms = new Map<string, PortTerms>();
  const unconnected: Record<string, Port> = {};
  const problems: string[] = [];
  const names = new Set([...Object.keys(modules), ...Object.keys(hosts)]);
  for (const name of names) {
    const [mine, theirs] = [modules[name], hosts[name]];
    if (mine && theirs) terms.set(name, stricterTerms(mine, theirs));
    else if (mine && !mine.required) unconnected[name] = mine;
    const problem = portProblem(mine, theirs);
    if (problem) problems.push(`The ${side} '${name}' differs: ${problem}`);
  }
  if (problems.length === 0) return { terms, unconnected };
  throw new BridgeError("schema_mismatch", problems.join("\n"));
}

function portProblem(
  mine: Port | undefined,
  theirs: Port | undefined,
): string | undefined {
  if (mine && theirs) return schemaProblem(mine.schema, theirs.schema);
  if (theirs?.required) return missingInModule(theirs);
  return mine?.required
    ? `the module has ${mine.schema.name}, the host no such port; ` +
      "add it to the host, or declare it with required: false in the module"
    : undefined;
}

/** Says that the module lacks a port that the host requires. */
export function missingInModule({ schema }: Port): string {
  return `the module has no such port, the host ${schema.name}; ` +
    "add it to the module, or declare it with required: false in the host";
}

function schemaProblem(mine: Schema, theirs: Schema): string | undefined {
  if (mine === theirs) return undefined;
  const [one, other] = [mine, theirs].map((schema) =>
    canonicalJson(schemaToJson(schema))
  );
  if (one === other) return undefined;
  return `the module has ${mine.name}, the host ${theirs.name}${
    mine.name === theirs.name ? " with other fields or another version" : ""
  }`;
}

/**
 * How the ports of a connection work, from what host and module each say of
 * them. Of two values the stricter one holds: every frame in order rather than
 * the latest one, and the smaller capacity.
 *
 * @module
 */

import { BridgeError } from "../errors.ts";
import type { Schema } from "./field_type.ts";
import { agreeFormats, type FormatSide } from "./format_agreement.ts";
import { schemaDifference } from "./schema_difference.ts";
import type { FieldMarks } from "./marks/field_marks.ts";
import { baseMinor } from "./minor.ts";
import type { Port, PortMap, PortsOf } from "./port.ts";
import type { PixelFormat } from "./surface.ts";

/** How one port works between the two sides. */
export interface PortTerms extends Pick<Port, "read_behavior" | "capacity"> {
  /** The schema with the marks that this side knows. Absent if the port has them. */
  readonly schema?: Schema;
  /** The minor version of the schema that both sides have. Absent before they have agreed: then the schema's own. */
  readonly minor?: number;
  /** The pixel formats that the frames can have. Absent if that was not agreed on. */
  readonly agreed_formats?: readonly PixelFormat[];
}

/** What one side says of a port in the handshake, besides what every version says. */
export interface PortWords {
  /** The minor version of its schema. Absent: that of the base form. */
  readonly minor?: number;
  /** The pixel formats that it lists. Absent: it lists none. A peer's may be unknown here. */
  readonly formats?: readonly string[];
  /** The marks of its fields. */
  readonly marks?: FieldMarks;
}

/** The two sides of a port: this one, and what the other one says. */
export interface PortSides {
  /** The direction of the port. */
  readonly side: PortSide;
  /** Whether this side is the host; else it is the module. */
  readonly isHost: boolean;
  /** This side's port. */
  readonly port: Pick<Port, "schema" | "formats">;
  /** What the other side says of its port. */
  readonly words: PortWords;
  /** Whether the other side takes part in the agreement on a pixel format. */
  readonly agreesOnFormats: boolean;
}

/** Returns what the two sides of a port agree on for its frames, or why they cannot. */
export function agreeOnFrames(
  { side, isHost, port, words, agreesOnFormats }: PortSides,
): Pick<PortTerms, "minor" | "agreed_formats"> | string {
  const { schema } = port;
  const base = baseMinor(schema);
  const theirs = Math.max(base, words.minor ?? base);
  const minor = Math.min(schema.version.minor, theirs);
  const mine: FormatSide = {
    who: isHost ? "the host" : "the module",
    formats: port.formats,
    agrees: true,
  };
  const other: FormatSide = {
    who: isHost ? "the module" : "the host",
    formats: words.formats,
    agrees: agreesOnFormats,
  };
  const sends = isHost === (side === "input");
  const formats = sends
    ? agreeFormats(schema, minor, mine, other)
    : agreeFormats(schema, minor, other, mine);
  if (typeof formats === "string") return formats;
  return { minor, ...(formats && { agreed_formats: formats }) };
}

/** Returns the pixel format that the sides of a port have agreed on, if there is one. */
export function agreedFormat(
  { agreed_formats }: PortTerms,
): PixelFormat | undefined {
  return agreed_formats?.length === 1 ? agreed_formats[0] : undefined;
}

/** Whether every frame of a port is read, in the order of sending. */
export function isInOrder({ read_behavior }: PortTerms): boolean {
  return read_behavior === "read_next_in_order";
}

/** Which direction the ports of a map have, as the client sees it. */
export type PortSide = "input" | "output";

/** The ports of one direction, as host and module use them. */
export interface AgreedPorts {
  /** The terms of each port that both sides have, by name. */
  readonly terms: ReadonlyMap<string, PortTerms>;
  /** The optional ports that only the module has. */
  readonly unconnected: PortsOf<PortMap>;
}

/** Returns how frames are read and kept on a port of two sides. */
export function stricterTerms(one: PortTerms, other: PortTerms): PortTerms {
  return {
    read_behavior: one.read_behavior === "read_next_in_order"
      ? one.read_behavior
      : other.read_behavior,
    capacity: Math.min(one.capacity, other.capacity),
  };
}

/** What the host says of its ports of one direction. */
export interface HostsWords {
  /** By port. */
  readonly ports: ReadonlyMap<string, PortWords>;
  /** Whether it takes part in the agreement on a pixel format. */
  readonly agreesOnFormats: boolean;
}

/**
 * Compares the ports of host and module, on the module's side. A port that only one of them has must
 * be optional there: `required: false`.
 *
 * @throws {BridgeError} `schema_mismatch`, naming each port that one side lacks
 * and the other one requires, whose schemas differ, or for which no pixel format
 * is in both lists
 */
export function agreePorts(
  side: PortSide,
  hosts: PortsOf<PortMap>,
  modules: PortsOf<PortMap>,
  words: HostsWords = { ports: new Map(), agreesOnFormats: false },
): AgreedPorts {
  const terms = new Map<string, PortTerms>();
  const unconnected: Record<string, Port> = {};
  const problems: string[] = [];
  const names = new Set([...Object.keys(modules), ...Object.keys(hosts)]);
  for (const name of names) {
    const [mine, theirs] = [modules[name], hosts[name]];
    let problem = portProblem(mine, theirs);
    if (mine && theirs && !problem) {
      const frames = agreeOnFrames({
        side,
        isHost: false,
        port: mine,
        words: words.ports.get(name) ?? {},
        agreesOnFormats: words.agreesOnFormats,
      });
      if (typeof frames === "string") problem = frames;
      else {
        const { schema } = mine;
        terms.set(name, { ...stricterTerms(mine, theirs), schema, ...frames });
      }
    } else if (mine && !theirs && !mine.required) unconnected[name] = mine;
    if (problem) problems.push(`The ${side} '${name}' differs: ${problem}`);
  }
  if (problems.length === 0) return { terms, unconnected };
  throw new BridgeError("schema_mismatch", problems.join("\n"));
}

function portProblem(
  mine: Port | undefined,
  theirs: Port | undefined,
): string | undefined {
  if (mine && theirs) return schemaDifference(mine.schema, theirs.schema);
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

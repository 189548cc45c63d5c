/**
 * How a frame does not fit its schema: an expected condition, hence a value.
 *
 * @module
 */

import { quote, show } from "../schema/schema_place.ts";
import {
  Capability,
  isDictionary,
  XpcNumber,
  type XpcValue,
} from "./xpc_value.ts";

/** The first thing in which a frame does not fit its schema. Immutable. */
export class Misfit {
  /**
   * A misfit, as it is found in a field that does not know where it stands:
   * see {@link within} and {@link of}.
   *
   * @param schema the schema's name; empty while it is not known yet
   * @param field the path to the field, such as `pose.points[3].x`; empty for the frame itself
   * @param expected what the schema asks for
   * @param got what was there, short and printable
   */
  constructor(
    readonly schema: string,
    readonly field: string,
    readonly expected: string,
    readonly got: string,
  ) {}

  /** The same, seen from outside the field or array in which it was found. */
  within(step: string): Misfit {
    const { schema, field, expected, got } = this;
    const dot = field === "" || field.startsWith("[") ? "" : ".";
    return new Misfit(schema, `${step}${dot}${field}`, expected, got);
  }

  /** The same, in a frame of the schema called `name`. */
  of(name: string): Misfit {
    return new Misfit(name, this.field, this.expected, this.got);
  }

  /** The whole in words, such as `VideoFrame.width: expected a uint64 …, got null`. */
  get message(): string {
    const path = this.field === ""
      ? this.schema
      : `${this.schema}.${this.field}`;
    return `${path}: expected ${this.expected}, got ${this.got}`;
  }
}

/** A misfit of a value that the host's or the client's own code made. */
export function valueMisfit(expected: string, value: unknown): Misfit {
  return new Misfit("", "", expected, describeValue(value));
}

/** A misfit of a value that came in a message. */
export function xpcMisfit(
  expected: string,
  value: XpcValue | undefined,
): Misfit {
  return new Misfit("", "", expected, describeXpc(value));
}

/**
 * A misfit of a field that the schema does not have. Its name is not part of
 * the path: paths are the schema's own, so that a peer cannot make up new ones.
 */
export function extraMisfit(name: string): Misfit {
  return new Misfit("", "", "no other fields", `the field ${quote(name)}`);
}

function describeValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "bigint") return `${show(value)}n`;
  if (ArrayBuffer.isView(value)) {
    return `a ${value.constructor.name} of ${value.byteLength} bytes`;
  }
  return show(value);
}

function describeXpc(value: XpcValue | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (typeof value === "boolean") return `bool ${value}`;
  if (typeof value === "string") return `string ${show(value)}`;
  if (value instanceof XpcNumber) return `${value.type} ${value.value}`;
  if (value instanceof Uint8Array) return `data of ${value.length} bytes`;
  if (value instanceof Capability) return `a capability, ${value.kind}`;
  if (isDictionary(value)) {
    return `a dictionary of ${Object.keys(value).length} keys`;
  }
  return `an array of ${value.length}`;
}

/**
 * Misfits: why a frame does not fit its schema. Expected, so a value and not an
 * error.
 *
 * @module
 */

import { isTransferred } from "../schema/numeric_array.ts";
import { quote, show } from "../schema/schema_place.ts";
import {
  Capability,
  isDictionary,
  XpcNumber,
  type XpcValue,
} from "./xpc_value.ts";

/** The first place where a frame does not fit its schema. Immutable. */
export class Misfit {
  /**
   * Makes a misfit. A codec that does not know its place leaves `schema` and
   * `field` empty; {@link within} and {@link of} add them.
   *
   * @param schema the schema's name; empty if not known yet
   * @param field the path to the field, such as `pose.points[3].x`; empty for the frame itself
   * @param expected what the schema requires
   * @param got what was found, short and printable
   */
  constructor(
    readonly schema: string,
    readonly field: string,
    readonly expected: string,
    readonly got: string,
  ) {}

  /** Returns the same misfit with `step` before its path. */
  within(step: string): Misfit {
    const { schema, field, expected, got } = this;
    const dot = field === "" || field.startsWith("[") ? "" : ".";
    return new Misfit(schema, `${step}${dot}${field}`, expected, got);
  }

  /** Returns the same misfit with the schema's name. */
  of(name: string): Misfit {
    return new Misfit(name, this.field, this.expected, this.got);
  }

  /** The message, such as `VideoFrame.width: expected a uint64 …, got null`. */
  get message(): string {
    const path = this.field === ""
      ? this.schema
      : `${this.schema}.${this.field}`;
    return `${path}: expected ${this.expected}, got ${this.got}`;
  }
}

/** Makes the misfit of a value from code in this process. */
export function valueMisfit(expected: string, value: unknown): Misfit {
  return new Misfit("", "", expected, describeValue(value));
}

/** Makes the misfit of a value from a message. */
export function xpcMisfit(
  expected: string,
  value: XpcValue | undefined,
): Misfit {
  return new Misfit("", "", expected, describeXpc(value));
}

/**
 * Makes the misfit of a field that is not in the schema. Its name is not part of
 * the path: a path only has names of the schema, so that a peer cannot invent
 * paths.
 */
export function extraMisfit(name: string): Misfit {
  return new Misfit("", "", "no other fields", `the field ${quote(name)}`);
}

function describeValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "bigint") return `${show(value)}n`;
  if (ArrayBuffer.isView(value)) {
    const name = `a ${value.constructor.name}`;
    return isTransferred(value)
      ? `${name} whose memory was transferred to another owner`
      : `${name} of ${value.byteLength} bytes`;
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

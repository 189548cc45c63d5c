/** Random frames of random schemas, and what reading them gives when they were changed. */

import {
  Array as List,
  type Field,
  type Fields,
  type FieldType,
  FixedArray,
  Optional,
  type Schema,
  SchemaRef,
  Struct,
} from "../../../proto/schema/field_type.ts";
import { schema } from "../../../proto/schema/schema.ts";
import {
  double,
  int64,
  isDictionary,
  uint64,
  type XpcDictionary,
  type XpcValue,
} from "../../../proto/wire/xpc_value.ts";
import { Prng } from "../prng.ts";
import { RANDOM_MINOR, randomSchema, randomValues } from "../random_frames.ts";
import { Vectors } from "./frame_vectors.ts";

const SEED = 2_026;
const SCHEMAS = 60;
const CHANGES = 4;
const DEPTH = 3;

/** Returns the vectors, one a line. */
export function randomVectors(): string {
  const lines: string[] = [];
  for (let n = 0; n < SCHEMAS; n++) {
    const prng = new Prng(SEED + n);
    const made = new Renamer().schema(randomSchema(prng, DEPTH));
    const minor = prng.below(RANDOM_MINOR + 1);
    const vectors = new Vectors(made, { minor });
    const values = vectors.received(randomValues(prng, made.fields, minor));
    const frame = vectors.frame(values);
    const messages: object[] = [];
    const payloads: object[] = [];
    for (let i = 0; i < CHANGES; i++) {
      messages.push(
        vectors.readMessage(changedMessage(prng, vectors.fields(values))),
      );
      payloads.push(
        vectors.readLane(changedBytes(prng, vectors.payload(values))),
      );
    }
    const line = { ...vectors.head, frames: [frame], messages, payloads };
    lines.push(`${JSON.stringify(line)}\n`);
  }
  return lines.join("");
}

/** Gives each schema a name of its own, so that they can be read from JSON together. */
class Renamer {
  #count = 0;

  schema(one: Schema): Schema {
    const name = `R${this.#count++}`;
    return schema({ ...one, name, fields: this.#fields(one.fields) });
  }

  #fields(fields: Fields): Record<string, Field> {
    return Object.fromEntries(
      Object.entries<Field>(fields).map(([name, field]) => [name, {
        ...field,
        type: this.#type(field.type),
      }]),
    );
  }

  #type(type: FieldType): FieldType {
    switch (type.kind) {
      case "SchemaRef":
        return SchemaRef(this.schema(type.schema));
      case "Struct":
        return Struct(this.#fields(type.fields));
      case "Optional":
        return Optional(this.#type(type.inner));
      case "Array": {
        const element = this.#type(type.element);
        return type.length === undefined
          ? List(element)
          : FixedArray(element, type.length);
      }
      default:
        return type;
    }
  }
}

const OTHERS: readonly XpcValue[] = [
  null,
  true,
  "on",
  "x",
  uint64(5),
  uint64(2n ** 32n),
  int64(-1),
  double(1.5),
  double(1e39),
  Uint8Array.of(1, 2),
  [],
  [null],
  {},
];

/** Returns a message of which one value is another one, or missing. */
function changedMessage(prng: Prng, fields: XpcDictionary): XpcDictionary {
  const keys = Object.keys(fields);
  if (keys.length === 0 || prng.below(8) === 0) {
    return { ...fields, extra: prng.pick(OTHERS) };
  }
  const key = prng.pick(keys);
  const value = fields[key];
  if (isDictionary(value) && prng.below(3)) {
    return { ...fields, [key]: changedMessage(prng, value) };
  }
  if (Array.isArray(value) && value.length > 0 && prng.below(3)) {
    const items = [...value];
    items[prng.below(items.length)] = prng.pick(OTHERS);
    return { ...fields, [key]: items };
  }
  return prng.below(4)
    ? { ...fields, [key]: prng.pick(OTHERS) }
    : { ...fields, [key]: undefined };
}

/** Returns bytes of which some are others, or that are shorter or longer. */
function changedBytes(prng: Prng, payload: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(payload);
  if (changed.length === 0 || prng.below(6) === 0) {
    return Uint8Array.of(...changed, prng.below(3));
  }
  if (prng.below(4) === 0) return changed.slice(0, prng.below(changed.length));
  for (let n = 1 + prng.below(3); n > 0; n--) {
    changed[prng.below(changed.length)] = prng.pick([0, 1, 2, 3, 13, 0xff]);
  }
  return changed;
}

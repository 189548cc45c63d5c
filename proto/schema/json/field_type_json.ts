/**
 * The JSON form of field types. `field_type.ts` has a table of it.
 *
 * @module
 */

import * as types from "../field_type.ts";
import type {
  ElementKind,
  Enum,
  Field,
  Fields,
  FieldType,
  Scalar,
  ScalarKind,
  TextureFormat,
} from "../field_type.ts";
import { MAX_FIELDS } from "../../limits.ts";
import type { Schema } from "../field_type.ts";
import {
  checkLength,
  ELEMENT_KINDS,
  MAX_NESTING,
  TEXTURE_FORMATS,
} from "../schema_check.ts";
import { type Mark, markOf } from "../marks/mark.ts";
import { variantsAt, variantSince } from "../minor.ts";
import { type Place, quote, show } from "../schema_place.ts";

/** The JSON form of a field type. */
export type FieldTypeJson =
  | ScalarKind
  | { readonly Texture: { readonly format: TextureFormat } }
  | { readonly Buffer: { readonly element_type: ElementKind } }
  | { readonly Array: FieldTypeJson | FixedArrayJson }
  | { readonly Struct: { readonly fields: readonly FieldJson[] } }
  | { readonly Optional: FieldTypeJson }
  | { readonly Enum: readonly (string | AddedVariantJson)[] }
  | { readonly SchemaRef: string };

/** The parameter of an array of fixed length. It has two keys; a type there would have one. */
export type FixedArrayJson = {
  readonly element: FieldTypeJson;
  readonly length: number;
};

/** The JSON form of a variant that a minor version has added. Only in the full form. */
export type AddedVariantJson = {
  readonly name: string;
  readonly since: number;
};

/** The JSON form of a field. */
export type FieldJson = {
  readonly name: string;
  readonly description?: string;
  readonly type: FieldTypeJson;
  /** Its mark. Only in the full form. */
  readonly mark?: Mark;
  /** The minor version that has added it. Only in the full form. */
  readonly since?: number;
};

/** What the JSON of a schema holds: the `base` form, which both sides hash and the broker keeps, or the `full` form, with marks and with what minor versions have added. */
export type SchemaForm = "base" | "full";

/** Returns the JSON form of `fields`, in their order. */
export function fieldsToJson(fields: Fields, form: SchemaForm): FieldJson[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const { type, description, since } = field;
    if (form === "base" && since !== undefined) return [];
    const mark = form === "full" ? markOf(type) : undefined;
    return [{
      name,
      ...(description === undefined ? {} : { description }),
      type: typeToJson(type, form),
      ...(mark === undefined ? {} : { mark }),
      ...(since === undefined ? {} : { since }),
    }];
  });
}

function typeToJson(type: FieldType, form: SchemaForm): FieldTypeJson {
  switch (type.kind) {
    case "Texture":
      return { Texture: { format: type.format } };
    case "Buffer":
      return { Buffer: { element_type: type.element_type } };
    case "Array": {
      const element = typeToJson(type.element, form);
      const { length } = type;
      return { Array: length === undefined ? element : { element, length } };
    }
    case "Struct":
      return { Struct: { fields: fieldsToJson(type.fields, form) } };
    case "Optional":
      return { Optional: typeToJson(type.inner, form) };
    case "Enum":
      return { Enum: variantsToJson(type, form) };
    case "SchemaRef":
      return { SchemaRef: type.schema.name };
    default:
      return type.kind;
  }
}

function variantsToJson(
  type: Enum,
  form: SchemaForm,
): (string | AddedVariantJson)[] {
  if (form === "base") return [...variantsAt(type)];
  return type.variants.map((name) => {
    const since = variantSince(type, name);
    return since === undefined ? name : { name, since };
  });
}

const SCALARS: ReadonlyMap<string, Scalar> = new Map(
  [
    types.Int32,
    types.Int64,
    types.UInt32,
    types.UInt64,
    types.Float32,
    types.Float64,
    types.Bool,
    types.String,
    types.Bytes,
  ].map((type) => [type.kind, type]),
);

/** Returns the schema that the field at `place` refers to by name, or refuses. */
export type Resolve = (place: Place, name: string) => Schema;

/** Reads the fields of one schema from JSON. Refuses what is not the form of a field. */
export class FieldReader {
  /** Makes a reader for one schema.
   * @param schema the place of the schema
   * @param resolve finds the schemas that its fields refer to */
  constructor(readonly schema: Place, readonly resolve: Resolve) {}

  /** Returns the fields in `json`, in their order.
   * @param json a list of fields
   * @param path the prefix of their names in an error
   * @param level their nesting level; the fields of the schema itself have level 1 */
  fields(json: unknown, path = "", level = 1): Fields {
    const list = this.schema.array(`'${path}fields'`, json);
    if (list.length > MAX_FIELDS) {
      this.schema.refuse(
        `'${path}fields' has ${list.length} fields; at most ${MAX_FIELDS} are allowed`,
      );
    }
    const fields = new Map<string, Field>();
    for (const [index, item] of list.entries()) {
      const nth = this.schema.inside(`'${path}fields[${index}]'`);
      const keys = nth.object(item, ["name", "type"], OPTIONAL_KEYS);
      const name = nth.string("name", keys["name"]);
      if (fields.has(name)) {
        nth.refuse(`another field is called ${quote(name)}`);
      }
      const place = this.schema.inside(`field ${quote(path + name)}`);
      const type = this.#type(place, keys["type"], `${path}${name}.`, level);
      fields.set(name, {
        type: "mark" in keys ? withMark(place, type, keys["mark"]) : type,
        ...("description" in keys && {
          description: place.string("description", keys["description"]),
        }),
        ...("since" in keys && { since: keys["since"] as number }),
      });
    }
    return Object.fromEntries(fields);
  }

  #type(place: Place, json: unknown, path: string, level: number): FieldType {
    if (level > MAX_NESTING) {
      place.refuse(`types are nested more than ${MAX_NESTING} deep`);
    }
    if (typeof json === "string") {
      return SCALARS.get(json) ?? place.refuse(
        `${show(json)} is not a type; without parameters there are ${
          [...SCALARS.keys()].join(", ")
        }`,
      );
    }
    const [kind, parameter] = onlyEntry(place, json);
    switch (kind) {
      case "Texture": {
        const { format } = place.object(parameter, ["format"]);
        return types.Texture(
          place.oneOf("the texture's format", format, TEXTURE_FORMATS),
        );
      }
      case "Buffer": {
        const { element_type } = place.object(parameter, ["element_type"]);
        const kind = place.oneOf(
          "the buffer's element_type",
          element_type,
          ELEMENT_KINDS,
        );
        return types.Buffer({ kind });
      }
      case "Array": {
        if (!isFixedArray(parameter)) {
          return types.Array(this.#type(place, parameter, path, level + 1));
        }
        const { element, length } = place.object(parameter, FIXED_ARRAY_KEYS);
        return types.FixedArray(
          this.#type(place, element, path, level + 1),
          checkLength(place, length),
        );
      }
      case "Struct": {
        const { fields } = place.object(parameter, ["fields"]);
        return types.Struct(this.fields(fields, path, level + 1));
      }
      case "Optional":
        return types.Optional(this.#type(place, parameter, path, level + 1));
      case "Enum":
        return readEnum(place, parameter);
      case "SchemaRef":
        return types.SchemaRef(
          this.resolve(place, place.string("the SchemaRef", parameter)),
        );
      default:
        return place.refuse(
          `${
            show(kind)
          } is not a type; with parameters there are ${PARAMETERIZED}`,
        );
    }
  }
}

/** The keys that a field can have. The schema's check reads the values of those that are only in the full form. */
const OPTIONAL_KEYS = ["description", "mark", "since"] as const;

/** The schema's check refuses a mark that is none. */
function withMark(place: Place, type: FieldType, mark: unknown): FieldType {
  return Object.freeze({ ...type, mark: place.string("its mark", mark) });
}

function readEnum(place: Place, parameter: unknown): Enum {
  const added: [string, number][] = [];
  const variants = place.array("the Enum", parameter).map((variant) => {
    if (typeof variant !== "object" || variant === null) {
      return place.string("a variant", variant);
    }
    const { name, since } = place.object(variant, ["name", "since"]);
    const text = place.string("a variant", name);
    added.push([text, since as number]);
    return text;
  });
  const type = types.Enum(...variants);
  return added.length === 0
    ? type
    : Object.freeze({ ...type, added: Object.fromEntries(added) });
}

const PARAMETERIZED =
  "Texture, Buffer, Array, Struct, Optional, Enum, SchemaRef";

const FIXED_ARRAY_KEYS = ["element", "length"] as const;

/** Whether the parameter of an Array is an object with element and length, and not a type. */
function isFixedArray(parameter: unknown): boolean {
  return typeof parameter === "object" && parameter !== null &&
    !Array.isArray(parameter) &&
    FIXED_ARRAY_KEYS.some((key) => Object.hasOwn(parameter, key));
}

/** Returns the only key of a type with parameters, and its value. */
function onlyEntry(place: Place, json: unknown): [string, unknown] {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return place.refuse(`its type is ${show(json)}, not a string or an object`);
  }
  const entries = Object.entries(json);
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) {
    return place.refuse(
      `its type is an object of ${entries.length} keys; it must have one, the type's name`,
    );
  }
  return entry;
}

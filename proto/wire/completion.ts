/**
 * Completes templates: fills in what their schema's marks make known, at any
 * depth.
 *
 * @module
 */

import type {
  Array as ArrayType,
  Fields,
  FieldType,
  Schema,
  TextureFormat,
} from "../schema/field_type.ts";
import { markOf } from "../schema/marks/mark.ts";
import { PIXEL_FORMATS, type PixelFormat } from "../schema/surface.ts";
import {
  difference,
  type Members,
  mirrored,
  type MirrorField,
  mirrorsIn,
} from "./mirrors.ts";
import { Misfit } from "./misfit.ts";

/** What a template's values are where it does not give them. */
export interface TemplateDefaults {
  /** The time of the frame, in nanoseconds. Called at most once. */
  now(): bigint;
  /** The number of frames before this one. */
  readonly count: bigint;
  /** The pixel format of surfaces, if the sides of the port have agreed on one. */
  readonly pixel_format: PixelFormat | undefined;
}

/**
 * Returns a template with everything that its marks make known, or the first
 * field that contradicts what it mirrors. What is neither given nor known stays
 * absent. The template itself is not changed.
 */
export type Complete = (
  template: object,
  defaults: TemplateDefaults,
) => Members | Misfit;

/** Completes the value of one place in a template. Leaves a value that is not of its type as it is: the codec refuses it. */
type Fill = (value: unknown, context: TemplateDefaults) => unknown | Misfit;

/** Makes what completes the templates of a schema. It walks the schema once. Returns undefined if there is nothing to complete. */
export function completion(schema: Schema): Complete | undefined {
  const made = new Map<Schema, Fill | undefined>();
  const ofSchema = (schema: Schema): Fill | undefined => {
    if (!made.has(schema)) made.set(schema, ofFields(schema.fields));
    return made.get(schema);
  };
  const ofType = (type: FieldType): Fill | undefined => {
    switch (type.kind) {
      case "Array":
        return ofArray(type);
      case "Optional":
        return ofType(type.inner);
      case "Struct":
        return ofFields(type.fields);
      case "SchemaRef":
        return ofSchema(type.schema);
      case "Texture":
        return fillFormat(type.format);
      default:
        return undefined;
    }
  };
  const ofArray = ({ element }: ArrayType): Fill | undefined => {
    const fill = ofType(element);
    return fill && ((value, context) => {
      if (!Array.isArray(value)) return value;
      const values: unknown[] = [];
      for (let i = 0; i < value.length; i++) {
        const item = fill(value[i], context);
        if (item instanceof Misfit) return item.within(`[${i}]`);
        values.push(item);
      }
      return values;
    });
  };
  const ofFields = (fields: Fields): Fill | undefined =>
    fillLevel(fields, ofType);
  const fill = ofSchema(schema);
  return fill && ((template, defaults) => {
    let time: bigint | undefined;
    return fill(template, {
      now: () => time ??= defaults.now(),
      count: defaults.count,
      pixel_format: defaults.pixel_format,
    }) as Members | Misfit;
  });
}

/** Gives a surface's size the format that is known. */
function fillFormat(format: TextureFormat): Fill {
  return (value, { pixel_format }) => {
    const known = format === "any" ? pixel_format : format;
    return known === undefined || !isObject(value) ||
        value["pixel_format"] !== undefined
      ? value
      : surfaceSpec(value, { pixel_format: known });
  };
}

/** A surface has its size in getters, which a copy with `...` leaves out. */
function surfaceSpec(spec: Members, known: Members): Members {
  return {
    width: spec["width"],
    height: spec["height"],
    pixel_format: spec["pixel_format"],
    ...known,
  };
}

function fillLevel(
  fields: Fields,
  ofType: (type: FieldType) => Fill | undefined,
): Fill | undefined {
  const entries = Object.entries(fields);
  const names = Object.keys(fields);
  const mirrors = mirrorsIn(fields);
  const sources = sourcesOf(mirrors, fields);
  const inner = entries.flatMap(([name, { type }]) => {
    const fill = ofType(type);
    return fill ? [{ name, fill }] : [];
  });
  const marked = entries.flatMap(([name, { type }]) => {
    const mark = markOf(type);
    if (mark !== "clock" && mark !== "count") return [];
    const narrow = type.kind === "Int32" || type.kind === "UInt32";
    return [{ name, mark, narrow }];
  });
  if (inner.length + mirrors.length + marked.length === 0) return undefined;
  return (template, context) => {
    if (!isObject(template)) return template;
    const values = valuesOf(template, names);
    for (const source of sources) gather(source, values);
    for (const { name, fill } of inner) {
      if (values[name] === undefined) continue;
      const value = fill(values[name], context);
      if (value instanceof Misfit) return value.within(name);
      values[name] = value;
    }
    const misfit = reflect(mirrors, values);
    if (misfit) return misfit;
    for (const { name, mark, narrow } of marked) {
      if (values[name] !== undefined) continue;
      const value = mark === "clock" ? context.now() : context.count;
      values[name] = narrow ? Number(value) : value;
    }
    return values;
  };
}

/** Returns a copy of a template. Of a frame, the textures and buffers are no properties of its own. */
function valuesOf(
  template: Members,
  names: readonly string[],
): Record<string, unknown> {
  const values: Record<string, unknown> = { ...template };
  for (const name of names) {
    if (values[name] !== undefined) continue;
    const value = template[name];
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** A texture or buffer with the fields that mirror it. */
interface Source {
  readonly name: string;
  readonly mirrors: readonly MirrorField[];
  readonly isTexture: boolean;
}

function sourcesOf(mirrors: readonly MirrorField[], fields: Fields): Source[] {
  return [...Map.groupBy(mirrors, ({ source }) => source)].map(
    ([name, mirrors]) => ({
      name,
      mirrors,
      isTexture: fields[name]?.type.kind === "Texture",
    }),
  );
}

/** Puts what the mirrors give into the size of the texture or buffer, where it is not given there. */
function gather(
  { name, mirrors, isTexture }: Source,
  values: Record<string, unknown>,
): void {
  const given = values[name];
  if (given !== undefined && !isObject(given)) return;
  let known: Record<string, unknown> | undefined;
  for (const { name, property } of mirrors) {
    const value = values[name];
    if (value === undefined || given?.[property] !== undefined) continue;
    known ??= {};
    known[property] = typeof value === "bigint" ? Number(value) : value;
  }
  if (known) values[name] = isTexture ? surfaceSpec(given ?? {}, known) : known;
}

/** Gives the mirrors what they mirror. Returns the first one that was given something else. */
function reflect(
  mirrors: readonly MirrorField[],
  values: Record<string, unknown>,
): Misfit | undefined {
  for (const mirror of mirrors) {
    const spec = values[mirror.source];
    const value = isObject(spec) ? spec[mirror.property] : undefined;
    // What cannot be a size is refused as one, with what is possible.
    if (!isPossible(mirror.property, value)) continue;
    if (values[mirror.name] === undefined) {
      values[mirror.name] = mirrored(mirror, value);
    } else {
      const misfit = difference(mirror, values);
      if (misfit) return misfit;
    }
  }
  return undefined;
}

function isPossible(property: string, value: unknown): boolean {
  return property === "pixel_format"
    ? typeof value === "string" && Object.hasOwn(PIXEL_FORMATS, value)
    : Number.isSafeInteger(value);
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null;
}

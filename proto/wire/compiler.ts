/**
 * Walks a schema and makes the codec of each of its parts, whatever carries its
 * frames.
 *
 * @module
 */

import type { Fields, FieldType, Schema } from "../schema/field_type.ts";
import { baseMinor } from "../schema/minor.ts";
import type { PortTerms } from "../schema/port_agreement.ts";
import type { PixelFormat } from "../schema/surface.ts";
import type { AgreedTerms } from "./checks/check.ts";

/** What the two sides of a port have agreed on that concerns its frames. */
export interface FrameTerms {
  /** The minor version of the schema. By default the schema's own. */
  readonly minor?: number;
  /** The pixel formats that surfaces of any format can have. By default each. */
  readonly formats?: readonly PixelFormat[];
}

/** Returns what the terms of a port say of its frames. */
export function frameTerms(
  { minor, agreed_formats }: PortTerms,
): FrameTerms {
  return {
    ...(minor !== undefined && { minor }),
    ...(agreed_formats && { formats: agreed_formats }),
  };
}

/** Makes the codecs `C` of the parts of a schema, as both sides of a port use it. */
export interface Compiler<C> extends AgreedTerms {
  /** Returns the codec of a type. */
  type(type: FieldType): C;
  /** Returns the codec of the frames of a schema that a field refers to. */
  schema(schema: Schema): C;
}

/** What makes the codec of each field type. */
export type Makers<C> = {
  readonly [K in FieldType["kind"]]: (
    type: Extract<FieldType, { readonly kind: K }>,
    compiler: Compiler<C>,
  ) => C;
};

/** Makes the codec of fields. */
export type LevelMaker<C> = (fields: Fields, compiler: Compiler<C>) => C;

/**
 * Makes the codec of a schema's frames. It makes the codec of each schema that
 * fields refer to only once, and that of its base form: only the minor version
 * of the port's own schema is agreed on.
 */
export function compileParts<C>(
  schema: Schema,
  { minor = schema.version.minor, formats }: FrameTerms,
  makers: Makers<C>,
  level: LevelMaker<C>,
): C {
  const made = new Map<Schema, C>();
  const compile = ({ name, version, fields }: Schema, minor: number): C => {
    const whose = minor < version.minor ? "the other side has" : "this is";
    const compiler: Compiler<C> = {
      version: `${whose} ${name} ${version.major}.${minor}`,
      minor,
      formats,
      type: (type) => {
        // The key is the kind of this type, which TypeScript cannot infer.
        const make = makers[type.kind] as (
          type: FieldType,
          compiler: Compiler<C>,
        ) => C;
        return make(type, compiler);
      },
      schema: (schema) => {
        const codec = made.get(schema) ?? compile(schema, baseMinor(schema));
        made.set(schema, codec);
        return codec;
      },
    };
    return level(fields, compiler);
  };
  return compile(schema, minor);
}

/**
 * The marks of a schema as text, for a peer that has only its base form.
 *
 * @module
 */

import type { Field, Fields, FieldType, Schema } from "../field_type.ts";
import { schema } from "../schema.ts";
import { type Mark, markOf } from "./mark.ts";

/**
 * Marks, by the path of their field: the names from the schema's own field on,
 * with dots between them. Arrays and optional values are no step of their own. The
 * fields of schemas that are referred to have no path.
 */
export type FieldMarks = Readonly<Record<string, string>>;

/** Returns the marks in `fields`. */
export function marksIn(fields: Fields): FieldMarks {
  const marks: Record<string, string> = {};
  const visit = (fields: Fields, path: string): void => {
    for (const [name, { type }] of Object.entries<Field>(fields)) {
      const mark = markOf(type);
      if (mark !== undefined) marks[path + name] = mark;
      const inner = structIn(type);
      if (inner) visit(inner, `${path}${name}.`);
    }
  };
  visit(fields, "");
  return marks;
}

function structIn(type: FieldType): Fields | undefined {
  switch (type.kind) {
    case "Array":
      return structIn(type.element);
    case "Optional":
      return structIn(type.inner);
    case "Struct":
      return type.fields;
    default:
      return undefined;
  }
}

/**
 * Returns a schema with these marks. A path that it does not have is ignored: a
 * peer of a later version may have it.
 *
 * @throws {BridgeError} `schema_mismatch` if a field cannot have its mark
 */
export function withMarks(base: Schema, marks: FieldMarks): Schema {
  return schema({ ...base, fields: markedFields(base.fields, marks, "") });
}

function markedFields(fields: Fields, marks: FieldMarks, path: string): Fields {
  return Object.fromEntries(
    Object.entries<Field>(fields).map(([name, field]) => {
      const own = path + name;
      const type = markedType(field.type, marks, `${own}.`);
      const mark = Object.hasOwn(marks, own) ? marks[own] as Mark : undefined;
      return [name, {
        ...field,
        type: mark === undefined ? type : { ...type, mark },
      }];
    }),
  );
}

function markedType(
  type: FieldType,
  marks: FieldMarks,
  path: string,
): FieldType {
  switch (type.kind) {
    case "Array":
      return { ...type, element: markedType(type.element, marks, path) };
    case "Optional":
      return { ...type, inner: markedType(type.inner, marks, path) };
    case "Struct":
      return { ...type, fields: markedFields(type.fields, marks, path) };
    default:
      return type;
  }
}

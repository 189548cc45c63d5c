/**
 * The fields of one level: of a frame, or of a struct in it. The functions that
 * write and read a level are generated: see `proto/generated_code.ts`.
 *
 * @module
 */

import type { Fields } from "../schema/field_type.ts";
import { structCheck } from "../wire/checks/container_check.ts";
import type { Compiler } from "../wire/compiler.ts";
import { contradiction, type MirrorField, mirrorsIn } from "../wire/mirrors.ts";
import { Misfit } from "../wire/misfit.ts";
import { refuseNumber } from "./fixed_lane.ts";
import { Code, property } from "../generated_code.ts";
import { type LaneType, LazyLane, type PayloadReader } from "./lane_type.ts";
import {
  type Block,
  isBlock,
  layOut,
  leastOf,
  type LevelPart,
  type Member,
  paddingOf,
} from "./level_layout.ts";

/** A level whose code is generated. */
interface Level {
  /** All fields, in the order of the schema. */
  readonly members: readonly Member[];
  /** The names of those that a later minor version has added than both sides have: not sent, and received as `null`. */
  readonly later: ReadonlySet<string>;
  /** The others, as they are laid out. */
  readonly parts: readonly LevelPart[];
  readonly mirrors: readonly MirrorField[];
}

/** The type of one level. As in a dictionary, an unknown field is a misfit, and so is a field that contradicts what it mirrors. */
export function levelLane(
  fields: Fields,
  compiler: Compiler<LaneType>,
): LaneType {
  const all = Object.entries(fields).map(([name, { type, since = 0 }]) => ({
    name,
    lane: compiler.type(type),
    isLater: since > compiler.minor,
  }));
  const parts = layOut(all.filter(({ isLater }) => !isLater));
  const level: Level = {
    members: all,
    later: new Set(
      all.filter(({ isLater }) => isLater).map(({ name }) => name),
    ),
    parts,
    mirrors: mirrorsIn(fields),
  };
  const check = structCheck(
    fields,
    all.map(({ name, lane: { check } }) => ({ name, check })),
  );
  return new LazyLane(check, leastOf(parts), {
    fits: () => fitting(level),
    end: () => ending(level),
    write: () => writing(level),
    read: () => reading(level),
  });
}

function fitting({ members, mirrors }: Level): LaneType["fits"] {
  const code = new Code();
  const names = members.map(({ name }) => name);
  code.add(
    'if (typeof value !== "object" || value === null) return false;',
    `if (${code.constant(Array.isArray)}(value)) return false;`,
  );
  for (const { name, lane } of members) {
    const field = property("value", name);
    // The check itself, so that the engine compiles it into this code.
    code.add(
      lane.fixed
        ? `if (${
          code.constant(lane.check)
        }(${field}) !== undefined) return false;`
        : `if (!${code.constant(lane.fits)}(${field})) return false;`,
    );
  }
  // Most frames have their keys in the order of the schema. The engine is slow to
  // find inherited keys together with an object's own ones.
  const known = code.constant(new Set(names));
  // The frames of a port have the same prototype, whose keys do not change.
  const parents = code.constant({ known: Object.prototype });
  code.add(
    `const keys = ${code.constant(Object.keys)}(value);`,
    "for (let i = 0; i < keys.length; i++) {",
    `  if (keys[i] !== ${code.constant(names)}[i]) {`,
    `    if (!${known}.has(keys[i])) return false;`,
    "  }",
    "}",
    `const parent = ${code.constant(Object.getPrototypeOf)}(value);`,
    `if (parent !== ${parents}.known) {`,
    `  for (const key in parent) if (!${known}.has(key)) return false;`,
    `  ${parents}.known = parent;`,
    "}",
    `return ${mirrorsAgree("value", mirrors)};`,
  );
  return code.make("value") as LaneType["fits"];
}

/** Returns the code that is true if no field contradicts what it mirrors. A bigint and a number are compared by their value. */
function mirrorsAgree(
  values: string,
  mirrors: readonly MirrorField[],
): string {
  const equal = mirrors.map(({ name, source, property: of }) =>
    `${property(values, name)} == ${property(property(values, source), of)}`
  );
  return equal.join(" && ") || "true";
}

function ending({ parts }: Level): LaneType["end"] {
  const code = new Code();
  for (const part of parts) {
    if (isBlock(part)) {
      code.add(`at += (-at & ${part.alignment - 1}) + ${part.bytes};`);
    } else {
      const end = code.constant(part.lane.end);
      code.add(`at = ${end}(${property("value", part.name)}, at);`);
    }
  }
  code.add("return at;");
  return code.make("value, at") as LaneType["end"];
}

function writing({ parts }: Level): LaneType["write"] {
  const code = new Code();
  code.add("const view = writer.view;");
  for (const part of parts) {
    if (isBlock(part)) writeBlock(code, part);
    else {
      const write = code.constant(part.lane.write);
      code.add(`at = ${write}(${property("value", part.name)}, writer, at);`);
    }
  }
  code.add("return at;");
  return code.make("value, writer, at") as LaneType["write"];
}

function writeBlock(code: Code, block: Block): void {
  code.add(`at = writer.room(at, ${block.alignment}, ${block.bytes});`);
  for (const { name, fixed, offset } of block.fields) {
    const names = code.constant(fixed.names);
    code.add(`${fixed.set(`at + ${offset}`, property("value", name), names)};`);
  }
  for (const offset of paddingOf(block)) {
    code.add(`view.setUint8(at + ${offset}, 0);`);
  }
  code.add(`at += ${block.bytes};`);
}

function reading({ members, later, parts, mirrors }: Level): LaneType["read"] {
  const code = new Code();
  /** The code of each value, by field. */
  const values = new Map<string, string>();
  code.add(
    "const view = reader.view, end = reader.end;",
    "let at = reader.at, misfit;",
  );
  for (const part of parts) {
    if (isBlock(part)) readBlock(code, part, values);
    else readPart(code, part, values);
  }
  const valueOf = (name: string): string =>
    later.has(name) ? "null" : values.get(name)!;
  const properties = members.map(({ name }) =>
    `${JSON.stringify(name)}: ${valueOf(name)}`
  );
  const settings = members.map(({ name }) =>
    `${property("into", name)} = ${valueOf(name)};`
  );
  code.add(
    "reader.at = at;",
    "if (misfit !== undefined) return misfit;",
    "let value = into;",
    `if (into === undefined) value = { ${properties.join(", ")} };`,
    `else { ${settings.join(" ")} }`,
  );
  if (mirrors.length > 0) {
    const check = code.constant(contradiction);
    code.add(
      `if (!(${mirrorsAgree("value", mirrors)})) {`,
      `  misfit = ${check}(${code.constant(mirrors)}, value);`,
      "  if (misfit !== undefined) return misfit;",
      "}",
    );
  }
  code.add("return value;");
  return code.make("reader, into") as LaneType["read"];
}

function readBlock(
  code: Code,
  block: Block,
  values: Map<string, string>,
): void {
  const short = code.constant(shortBlock);
  code.add(
    `at += -at & ${block.alignment - 1};`,
    `if (at + ${block.bytes} > end)`,
    `  return ${short}(reader, ${code.constant(block)}, at, misfit);`,
  );
  for (const { name, fixed, offset } of block.fields) {
    const number = `v${values.size}`;
    values.set(name, fixed.value(number, code.constant(fixed.names)));
    code.add(`const ${number} = ${fixed.get(`at + ${offset}`)};`);
    if (!fixed.limit) continue;
    const limit = code.constant(fixed.limit);
    const misfit = `${code.constant(refuseNumber)}(${limit}, ${number})`;
    code.add(
      `if (${number} >= ${fixed.limit.below})`,
      `  misfit ??= ${misfit}.within(${JSON.stringify(name)});`,
    );
  }
  code.add(`at += ${block.bytes};`);
}

function readPart(
  code: Code,
  { name, lane }: Member,
  values: Map<string, string>,
): void {
  const value = `v${values.size}`;
  values.set(name, value);
  code.add(
    "reader.at = at;",
    `const ${value} = ${code.constant(lane.read)}(reader);`,
    `if (${value} instanceof ${code.constant(Misfit)}) {`,
    `  misfit ??= ${value}.within(${JSON.stringify(name)});`,
    "}",
    "at = reader.at;",
  );
}

/** Returns the misfit of a block at `at` that ends beyond the end of the frame: that of its first field beyond the end. */
function shortBlock(
  reader: PayloadReader,
  { fields, bytes }: Block,
  at: number,
  misfit: Misfit | undefined,
): Misfit {
  const field = fields.find(({ fixed, offset }) =>
    at + offset + fixed.bytes > reader.end
  );
  const short = field
    ? reader.short(field.fixed.bytes).within(field.name)
    : reader.short(bytes);
  return misfit ?? short;
}

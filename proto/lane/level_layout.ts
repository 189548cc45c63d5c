/**
 * Where the fields of one level are: sorted by their names, each at the next
 * multiple of its alignment. Neighbours of fixed size are a block, whose places
 * are known once the block's is.
 *
 * @module
 */

import { aligned, type FixedType, type LaneType } from "./lane_type.ts";

/** A field of a level. */
export interface Member {
  /** Its name. */
  readonly name: string;
  /** Its type. */
  readonly lane: LaneType;
}

/** A field in a block. */
export interface BlockField {
  /** Its name. */
  readonly name: string;
  /** Its type. */
  readonly fixed: FixedType;
  /** Its place in the block, in bytes. */
  readonly offset: number;
}

/** Fields of fixed size, one behind the other. */
export interface Block {
  /** The alignment of its first field. No other one has a larger one. */
  readonly alignment: number;
  /** Its fields. */
  readonly fields: readonly BlockField[];
  /** Its size, with the padding between its fields. */
  readonly bytes: number;
}

/** A part of a level: a block, or a field whose size depends on its value. */
export type LevelPart = Block | Member;

/** Whether a part is a block. */
export function isBlock(part: LevelPart): part is Block {
  return "fields" in part;
}

/** Returns the parts of a level. One without fields is one byte, 0, so that everything takes some bytes. */
export function layOut(members: readonly Member[]): LevelPart[] {
  if (members.length === 0) return [{ alignment: 1, fields: [], bytes: 1 }];
  const parts: LevelPart[] = [];
  let open: { alignment: number; fields: BlockField[]; bytes: number } | null =
    null;
  for (const member of sorted(members)) {
    const { name, lane: { fixed } } = member;
    if (!fixed) {
      parts.push(member);
      open = null;
      continue;
    }
    if (!open || fixed.bytes > open.alignment) {
      open = { alignment: fixed.bytes, fields: [], bytes: 0 };
      parts.push(open);
    }
    const offset = aligned(open.bytes, fixed.bytes);
    open.fields.push({ name, fixed, offset });
    open.bytes = offset + fixed.bytes;
  }
  return parts;
}

/** By UTF-16 code units: both sides sort alike. */
function sorted(members: readonly Member[]): Member[] {
  return [...members].sort((one, other) => one.name < other.name ? -1 : 1);
}

/** Returns the fewest bytes of a level. */
export function leastOf(parts: readonly LevelPart[]): number {
  return parts.reduce(
    (sum, part) => sum + (isBlock(part) ? part.bytes : part.lane.least),
    0,
  );
}

/** Returns the places of a block that no field takes. */
export function paddingOf({ fields }: Block): number[] {
  const padding: number[] = [];
  let next = 0;
  for (const { offset, fixed } of fields) {
    for (; next < offset; next++) padding.push(next);
    next = offset + fixed.bytes;
  }
  // A level without fields is only padding.
  return fields.length === 0 ? [0] : padding;
}

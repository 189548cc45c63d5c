/** Encodes messages of protobuf. */

/** A field of a message: its number, and an unsigned integer, a text, bytes or a message. */
export type Field = readonly [
  number: number,
  value: number | string | Uint8Array,
];

export function message(...fields: Field[]): Uint8Array {
  return Uint8Array.from(fields.flatMap(([number, value]) => {
    if (typeof value === "number") {
      return [...varint(number << 3), ...varint(value)];
    }
    const bytes = typeof value === "string"
      ? new TextEncoder().encode(value)
      : value;
    return [...varint(number << 3 | 2), ...varint(bytes.length), ...bytes];
  }));
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [value & 127 | 128, ...varint(value >> 7)];
}

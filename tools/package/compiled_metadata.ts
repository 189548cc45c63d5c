/**
 * Reads the metadata that `deno compile` writes into a program for its runtime: a
 * section of eight letters, the length of a JSON text, and this text.
 */

import { Buffer } from "node:buffer";

const MAGIC = "d3n0l4nd";
const LENGTH_BYTES = 8;
const BRACE = 0x7b;

/** One permission: `null` if not granted, empty if granted for everything, else what it is granted for. */
type Allowed = readonly string[] | null;

/** The permissions of a compiled program, with Deno's names. */
export type CompiledPermissions =
  & Readonly<Record<`${"allow" | "deny" | "ignore"}_${string}`, Allowed>>
  & { readonly prompt: boolean };

/** The part of the metadata that is used. */
interface CompiledMetadata {
  readonly permissions: CompiledPermissions;
  /** Arguments before those of the command line. */
  readonly argv: readonly string[];
  /** The program's main module, from the root of its files. */
  readonly entrypoint_key: string;
}

/** Finds the metadata in the bytes of a program. `end` is the offset after it. Throws if there is none. */
export function readMetadata(
  program: Uint8Array,
): { metadata: CompiledMetadata; end: number } {
  const magic = new TextEncoder().encode(MAGIC);
  const bytes = Buffer.from(
    program.buffer,
    program.byteOffset,
    program.byteLength,
  );
  for (
    let at = bytes.indexOf(magic);
    at >= 0;
    at = bytes.indexOf(magic, at + 1)
  ) {
    const start = at + magic.length + LENGTH_BYTES;
    // The same letters are in Deno's own code.
    if (bytes[start] !== BRACE) continue;
    const end = start + Number(bytes.readBigUInt64LE(start - LENGTH_BYTES));
    if (end > bytes.length) continue;
    const text = new TextDecoder().decode(bytes.subarray(start, end));
    return { metadata: JSON.parse(text), end };
  }
  throw new Error("This is not a program that `deno compile` has made");
}

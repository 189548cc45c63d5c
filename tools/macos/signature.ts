/**
 * Checks the ad-hoc code signature of a Mach-O file. Without a valid one, the
 * kernel of an arm64 Mac kills a process that uses a page of the file. Layouts
 * are those of xnu's cs_blobs.h, all big-endian.
 */

import { createHash } from "node:crypto";
import type { Dylib } from "./mach_o.ts";

const MAGIC_SUPERBLOB = 0xfade0cc0;
const MAGIC_DIRECTORY = 0xfade0c02;
const SLOT_DIRECTORY = 0;
const FLAG_AD_HOC = 0x2;
const HASH_SHA256 = 2;
const SHA256_BYTES = 32;

/**
 * Returns why the file has no valid ad-hoc signature; undefined if it has one. It
 * is valid if it has the right hash of each page up to the signature.
 */
export function signatureProblem(
  bytes: Uint8Array,
  signature: NonNullable<Dylib["signature"]>,
): string | undefined {
  const blob = bytes.subarray(
    signature.offset,
    signature.offset + signature.bytes,
  );
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  if (view.getUint32(0) !== MAGIC_SUPERBLOB) return "it has no superblob";
  if (view.getUint32(12) !== SLOT_DIRECTORY) return "it has no code directory";
  const at = view.getUint32(16);
  if (view.getUint32(at) !== MAGIC_DIRECTORY) return "it has no code directory";
  if ((view.getUint32(at + 12) & FLAG_AD_HOC) === 0) return "it is not ad hoc";
  const hashes = at + view.getUint32(at + 16);
  const pages = view.getUint32(at + 28);
  const limit = view.getUint32(at + 32);
  if (limit !== signature.offset) {
    return "it does not cover the whole file before it";
  }
  if (
    view.getUint8(at + 36) !== SHA256_BYTES ||
    view.getUint8(at + 37) !== HASH_SHA256
  ) return "its hashes are not SHA-256";
  const pageBytes = 2 ** view.getUint8(at + 39);
  if (pages !== Math.ceil(limit / pageBytes)) {
    return "it does not have a hash for each page";
  }
  for (let i = 0; i < pages; i++) {
    const page = bytes.subarray(
      i * pageBytes,
      Math.min((i + 1) * pageBytes, limit),
    );
    const hash = createHash("sha256").update(page).digest();
    const start = hashes + i * SHA256_BYTES;
    if (hash.compare(blob.subarray(start, start + SHA256_BYTES)) !== 0) {
      return `page ${i} has another hash`;
    }
  }
  return undefined;
}

/** Shims as modules: what takes the place of those in `ffi/library/prebuilt/` that have none. */

import { createHash } from "node:crypto";
import type { Prebuilt } from "../../ffi/library/prebuilt/prebuilt.ts";

const ROOT = new URL("../../", import.meta.url);

/** The module that brings a shim. */
export function prebuiltModule(bytes: Uint8Array, abi: number): string {
  const prebuilt: Prebuilt = {
    abi,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    bytes: bytes.length,
    base64: bytes.toBase64(),
  };
  return `import type { Prebuilt } from "./prebuilt.ts";

/** Written by the build that this is part of. */
export const PREBUILT: Prebuilt | undefined = ${
    JSON.stringify(prebuilt, null, 2)
  };
`;
}

/** The version of the C ABI, as the shims were compiled with it. */
export async function readAbi(): Promise<number> {
  const header = await Deno.readTextFile(
    new URL("c/include/streamlib_bridge.h", ROOT),
  );
  const abi = /#define SLB_ABI_VERSION (\d+)/.exec(header)?.[1];
  if (abi === undefined) throw new Error("The header has no SLB_ABI_VERSION");
  return Number(abi);
}

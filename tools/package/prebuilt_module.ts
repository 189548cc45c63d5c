/** Shims as modules. They replace the modules of `ffi/library/prebuilt/`, which contain no shim. */

import { ROOT } from "../checkout.ts";
import { createHash } from "node:crypto";
import type { Prebuilt } from "../../ffi/library/prebuilt/prebuilt.ts";

/** The systems that the package is for, and the name of the shim there. */
export const PLATFORMS: Readonly<Record<string, string>> = {
  "darwin-aarch64": "libstreamlib_bridge.dylib",
  "darwin-x86_64": "libstreamlib_bridge.dylib",
  "linux-aarch64": "libstreamlib_bridge.so",
  "linux-x86_64": "libstreamlib_bridge.so",
};

/** The path from the root of the module with the shim for a system, without its extension. */
export function prebuiltPath(platform: string): string {
  return `ffi/library/prebuilt/${platform.replace("-", "_")}`;
}

/** The text of the module that contains a shim. It is TypeScript and JavaScript. */
export function prebuiltModule(bytes: Uint8Array, abi: number): string {
  const prebuilt: Prebuilt = {
    abi,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    bytes: bytes.length,
    base64: bytes.toBase64(),
  };
  return `/** Written by the build that this is part of. */
export const PREBUILT = ${JSON.stringify(prebuilt, null, 2)};
`;
}

/** The version of the C ABI in the header that the shims were compiled with. */
export async function readAbi(): Promise<number> {
  const header = await Deno.readTextFile(
    new URL("c/include/streamlib_bridge.h", ROOT),
  );
  const abi = /#define SLB_ABI_VERSION (\d+)/.exec(header)?.[1];
  if (abi === undefined) throw new Error("The header has no SLB_ABI_VERSION");
  return Number(abi);
}

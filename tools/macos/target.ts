/** The targets of the macOS build. */

import { MACOS_VERSION } from "../c/sources.ts";
import type { Architecture } from "./mach_o.ts";

/** The processors, in the order of the universal file. */
export const ARCHITECTURES: readonly Architecture[] = ["x86_64", "arm64"];

const ZIG_NAMES: Record<Architecture, string> = {
  x86_64: "x86_64",
  arm64: "aarch64",
};

/** The target in the toolchain's notation: a processor, with the oldest macOS that the shim runs on. */
export function macosTarget(architecture: Architecture): string {
  return `${ZIG_NAMES[architecture]}-macos.${MACOS_VERSION}`;
}

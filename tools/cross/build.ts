/**
 * `deno task build:all`: builds the shim for all systems of the package, on any
 * machine that zig runs on. A shim is kept only if it passes the checks of
 * `linux.ts` or `../macos/build.ts`.
 */

import { fileURLToPath } from "node:url";
import { buildMacos } from "../macos/build.ts";
import { readDylib, splitSlices } from "../macos/mach_o.ts";
import { MACOS_LIBRARY } from "../c/sources.ts";
import { announce, ROOT } from "../checkout.ts";
import { buildLinux, LINUX_LIBRARY, MACHINES } from "./linux.ts";
import { CompileError, Toolchain } from "./toolchain.ts";

/** A shim for one system. */
interface BuiltShim {
  /** The system in Deno's names: `linux-x86_64`, `darwin-aarch64`. */
  readonly platform: string;
  /** The file's name. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Builds all four and checks them. Throws CompileError, or Error with all problems. */
export async function buildAll(toolchain: Toolchain): Promise<BuiltShim[]> {
  const shims: BuiltShim[] = [];
  for (const machine of MACHINES) {
    shims.push({
      platform: `linux-${machine}`,
      name: LINUX_LIBRARY,
      bytes: await buildLinux(toolchain, machine),
    });
  }
  for (const bytes of splitSlices(await buildMacos(toolchain))) {
    const { architecture } = readDylib(bytes);
    shims.push({
      platform: `darwin-${architecture === "arm64" ? "aarch64" : architecture}`,
      name: MACOS_LIBRARY,
      bytes,
    });
  }
  return shims;
}

/** The output file for a system. */
function shimFile({ platform, name }: Omit<BuiltShim, "bytes">): URL {
  return new URL(`c/out/prebuilt/${platform}/${name}`, ROOT);
}

async function main(): Promise<void> {
  try {
    for (const shim of await buildAll(await Toolchain.open())) {
      const file = shimFile(shim);
      await Deno.mkdir(new URL(".", file), { recursive: true });
      const temporary = new URL(`${file.href}.${Deno.pid}.tmp`);
      await Deno.writeFile(temporary, shim.bytes, { mode: 0o755 });
      await Deno.rename(temporary, file);
      const path = fileURLToPath(file).slice(fileURLToPath(ROOT).length);
      announce(`built ${path}: ${shim.bytes.length} bytes`);
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const compiling = error instanceof CompileError;
    announce(
      `Cannot build the shims${
        compiling ? "; the compiler says" : ""
      }:\n${error.message}`,
    );
    Deno.exit(1);
  }
}

if (import.meta.main) await main();

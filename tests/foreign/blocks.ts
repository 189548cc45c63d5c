/**
 * What programs with blocks are built with: the machine's clang, or else
 * zig's; the Blocks runtime, the machine's or else the distribution's
 * package, unpacked; and libdispatch, where the machine has it.
 */

import { fileURLToPath } from "node:url";
import { Toolchain } from "../../c/cross/toolchain.ts";
import { hasPython } from "../../c/python.ts";
import { debianLibraries } from "./debian.ts";

/** Compiles C with blocks: paths are absolute. Throws with what the compiler said. */
export type Compile = (args: readonly string[]) => Promise<void>;

/** How to build a program with blocks. */
export interface Blocks {
  readonly compile: Compile;
  /** What links the Blocks runtime. */
  readonly runtime: readonly string[];
  /** Whether <dispatch/dispatch.h> and libdispatch are there. */
  readonly dispatch: boolean;
}

async function clang(args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("clang", {
    args: [...args],
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

async function findCompiler(): Promise<Compile> {
  const there = await clang(["--version"]).then(() => true, () => false);
  if (there) return clang;
  if (!hasPython()) {
    throw new Error("no clang, and no python3 with venv for zig's");
  }
  const toolchain = await Toolchain.open();
  return (args) => toolchain.cc("native", args);
}

const PROBE = fileURLToPath(new URL("programs/probe.c", import.meta.url));

async function links(
  compile: Compile,
  flags: readonly string[],
): Promise<boolean> {
  const output = await Deno.makeTempFile();
  try {
    await compile(["-fblocks", PROBE, "-o", output, ...flags]);
    return true;
  } catch {
    return false;
  } finally {
    await Deno.remove(output);
  }
}

const RUNTIME = ["-lBlocksRuntime"];

async function findRuntime(compile: Compile): Promise<readonly string[]> {
  if (await links(compile, RUNTIME)) return RUNTIME;
  const folder = await debianLibraries([
    "libblocksruntime-dev",
    "libblocksruntime0",
  ]);
  return [`-L${folder}`, `-Wl,-rpath,${folder}`, ...RUNTIME];
}

/** What there is to build programs with blocks, or the reason why there is not. */
export async function findBlocks(): Promise<Blocks | string> {
  try {
    const compile = await findCompiler();
    const runtime = await findRuntime(compile);
    const dispatch = await links(compile, [
      "-DWITH_DISPATCH",
      "-ldispatch",
      ...runtime,
    ]);
    return { compile, runtime, dispatch };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.message.split("\n")[0] ?? "";
  }
}

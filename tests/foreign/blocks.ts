/**
 * The tools and libraries for programs with blocks: the machine's clang, or
 * else zig's; the Blocks runtime and libdispatch, the machine's or else from
 * the distribution's packages, unpacked.
 */

import { fileURLToPath } from "node:url";
import { Toolchain } from "../../tools/cross/toolchain.ts";
import { hasPython } from "../../tools/install/python.ts";
import { debianPackages, librariesIn } from "../../tools/install/debian.ts";
import { run } from "../helpers/child.ts";
import { debianDispatch, type Dispatch } from "./dispatch.ts";

/** Compiles C with blocks; paths are absolute. Throws with the compiler's messages. */
export type Compile = (args: readonly string[]) => Promise<void>;

/** How to build a program with blocks. */
export interface Blocks {
  readonly compile: Compile;
  /** The flags that link the Blocks runtime. */
  readonly runtime: readonly string[];
  /** libdispatch, used instead of that runtime; or why there is none. */
  readonly dispatch: Dispatch | string;
}

async function clang(args: readonly string[]): Promise<void> {
  const { code, stderr } = await run("clang", { args: [...args] });
  if (code !== 0) throw new Error(stderr);
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
  const folder = await librariesIn(
    await debianPackages(["libblocksruntime-dev", "libblocksruntime0"]),
  );
  return [`-L${folder}`, `-Wl,-rpath,${folder}`, ...RUNTIME];
}

async function findDispatch(compile: Compile): Promise<Dispatch> {
  const flags = ["-ldispatch", ...RUNTIME];
  if (await links(compile, ["-DWITH_DISPATCH", ...flags])) {
    return { flags, env: {} };
  }
  return await debianDispatch();
}

/** The result of `find`, or the message of its error. */
async function orReason<T>(find: () => Promise<T>): Promise<T | string> {
  try {
    return await find();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.message.split("\n")[0] ?? "";
  }
}

/** The tools for programs with blocks, or the reason why there are none. */
export async function findBlocks(): Promise<Blocks | string> {
  return await orReason(async () => {
    const compile = await findCompiler();
    const runtime = await findRuntime(compile);
    const dispatch = await orReason(() => findDispatch(compile));
    return { compile, runtime, dispatch };
  });
}

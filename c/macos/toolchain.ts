/**
 * A C compiler and linker for macOS that runs on this machine: zig's, which
 * carries Apple's headers of the C library and of XPC, and the stub to link
 * libSystem with. Pinned in `requirements.txt`, installed at the first use.
 */

import { fileURLToPath } from "node:url";
import { pythonWith } from "../python.ts";
import { MACOS_VERSION, ROOT } from "../sources.ts";
import type { Architecture } from "./mach_o.ts";

const HOME = new URL("c/out/zig/", ROOT);
const CACHE = new URL("cache/", HOME);
const REQUIREMENTS = new URL("requirements.txt", import.meta.url);

/** What is built for, in the order of the universal file. */
export const ARCHITECTURES: readonly Architecture[] = ["x86_64", "arm64"];

const ZIG_NAMES: Record<Architecture, string> = {
  x86_64: "x86_64",
  arm64: "aarch64",
};

/** The compiler said no; the message is what it said. */
export class CompileError extends Error {
  override readonly name = "CompileError";
}

/** A compiler for macOS. */
export class Toolchain {
  readonly #python: string;
  readonly #cache: string;

  private constructor(python: string, cache: string) {
    this.#python = python;
    this.#cache = cache;
  }

  /**
   * Installs it unless it is there. `cache` is a folder for what it has
   * compiled; its own runtime library it keeps elsewhere.
   */
  static async open(cache: URL = CACHE): Promise<Toolchain> {
    const python = await pythonWith(REQUIREMENTS, HOME);
    return new Toolchain(python, fileURLToPath(cache));
  }

  async #run(args: string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command(this.#python, {
      args,
      cwd: ROOT,
      env: {
        ZIG_GLOBAL_CACHE_DIR: fileURLToPath(CACHE),
        ZIG_LOCAL_CACHE_DIR: this.#cache,
      },
      stdin: "null",
    }).output();
    const text = new TextDecoder();
    if (!success) throw new CompileError(text.decode(stderr));
    return text.decode(stdout);
  }

  /**
   * Compiles for the oldest macOS that the shim runs on; paths are from the
   * root of the checkout. Throws CompileError.
   */
  async cc(architecture: Architecture, args: string[]): Promise<void> {
    const target = `${ZIG_NAMES[architecture]}-macos.${MACOS_VERSION}`;
    await this.#run(["-m", "ziglang", "cc", "-target", target, ...args]);
  }

  /** Compiles a source given as text, and keeps nothing of it. Throws CompileError. */
  async check(
    architecture: Architecture,
    source: string,
    flags: string[],
  ): Promise<void> {
    await Deno.mkdir(HOME, { recursive: true });
    const folder = await Deno.makeTempDir({ dir: fileURLToPath(HOME) });
    try {
      const file = `${folder}/check.c`;
      await Deno.writeTextFile(file, source);
      await this.cc(architecture, [
        ...flags,
        "-c",
        file,
        "-o",
        `${folder}/check.o`,
      ]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }

  /** The stub that stands for libSystem, a text in Apple's tbd format. */
  async stub(): Promise<string> {
    const find = "import ziglang; print(ziglang.__path__[0], end='')";
    const folder = await this.#run(["-c", find]);
    return await Deno.readTextFile(`${folder}/lib/libc/darwin/libSystem.tbd`);
  }
}

/**
 * A C compiler and linker for other systems that runs on this machine: zig's,
 * which carries glibc's symbols by version, Apple's headers of the C library
 * and of XPC, and the stub to link libSystem with. Pinned in
 * `requirements.txt`, installed at the first use.
 */

import { fileURLToPath } from "node:url";
import { pythonWith } from "../c/python.ts";
import { ROOT } from "../c/sources.ts";

const HOME = new URL("c/out/zig/", ROOT);
const CACHE = new URL("cache/", HOME);
const REQUIREMENTS = new URL("requirements.txt", import.meta.url);

/** The compiler said no; the message is what it said. */
export class CompileError extends Error {
  override readonly name = "CompileError";
}

/** A compiler for any target. */
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
   * Compiles for a target as zig names it, such as `aarch64-linux-gnu.2.28`;
   * paths are from the root of the checkout. Throws CompileError.
   */
  async cc(target: string, args: readonly string[]): Promise<void> {
    await this.#run(["-m", "ziglang", "cc", "-target", target, ...args]);
  }

  /**
   * Compiles and links what `args` say, and returns the file. A signature in
   * it says the `name`. Throws CompileError.
   */
  async link(
    target: string,
    name: string,
    args: readonly string[],
  ): Promise<Uint8Array> {
    return await inFolder(async (folder) => {
      const file = `${folder}/${name}`;
      await this.cc(target, [...args, "-o", file]);
      return await Deno.readFile(file);
    });
  }

  /** Compiles a source given as text, and keeps nothing of it. Throws CompileError. */
  async check(
    target: string,
    source: string,
    flags: readonly string[],
  ): Promise<void> {
    await inFolder(async (folder) => {
      const file = `${folder}/check.c`;
      await Deno.writeTextFile(file, source);
      await this.cc(target, [...flags, "-c", file, "-o", `${folder}/check.o`]);
    });
  }

  async #libc(): Promise<string> {
    const find = "import ziglang; print(ziglang.__path__[0], end='')";
    return `${await this.#run(["-c", find])}/lib/libc`;
  }

  /** The stub that stands for libSystem, a text in Apple's tbd format. */
  async stub(): Promise<string> {
    return await Deno.readTextFile(
      `${await this.#libc()}/darwin/libSystem.tbd`,
    );
  }

  /** The folder of Apple's headers. */
  async appleHeaders(): Promise<string> {
    return `${await this.#libc()}/include/any-darwin-any`;
  }
}

/** Runs `work` with a folder of its own, which is gone afterwards. */
async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  await Deno.mkdir(HOME, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: fileURLToPath(HOME) });
  try {
    return await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * A C compiler and linker for other systems that runs on this machine: zig's.
 * It has the symbol versions of glibc, Apple's headers of the C library and of
 * XPC, and the stub of libSystem to link with. Its version is pinned in
 * `requirements.txt`; it is installed at the first use.
 */

import { fileURLToPath } from "node:url";
import { pythonWith } from "../install/python.ts";
import { describeEnd, runToEnd } from "../programs.ts";
import { ROOT } from "../checkout.ts";

/** The limit for one run of zig; the first one compiles its runtime library too. */
const LIMIT_MS = 1_800_000;
const HOME = new URL("c/out/zig/", ROOT);
const CACHE = new URL("cache/", HOME);
const REQUIREMENTS = new URL("requirements.txt", import.meta.url);

/** The compiler failed. The message is its output. */
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
   * Installs the toolchain if necessary. `cache` is the folder for what it
   * compiles; its own runtime library is kept in another folder.
   */
  static async open(cache: URL = CACHE): Promise<Toolchain> {
    const python = await pythonWith(REQUIREMENTS, HOME);
    return new Toolchain(python, fileURLToPath(cache));
  }

  async #run(args: string[]): Promise<string> {
    const ended = await runToEnd(this.#python, {
      args,
      cwd: ROOT,
      limitMs: LIMIT_MS,
      sharesSession: true,
      env: {
        ZIG_GLOBAL_CACHE_DIR: fileURLToPath(CACHE),
        ZIG_LOCAL_CACHE_DIR: this.#cache,
      },
    });
    if (ended.code === 0) return ended.stdout;
    throw new CompileError(ended.stderr || describeEnd(ended, LIMIT_MS));
  }

  /**
   * Runs the compiler for a target in zig's notation, such as
   * `aarch64-linux-gnu.2.28`. Paths are relative to the root of the checkout.
   * Throws CompileError.
   */
  async cc(target: string, args: readonly string[]): Promise<void> {
    await this.#run(["-m", "ziglang", "cc", "-target", target, ...args]);
  }

  /**
   * Compiles and links with `args`, and returns the file. If it is signed, the
   * signature contains `name`. Throws CompileError.
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

  /** Compiles a text, to check it; keeps no output. Throws CompileError. */
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

  /** The stub of libSystem, a text in Apple's tbd format. */
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

/** Runs `work` with a new folder, which is removed afterwards. */
async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  await Deno.mkdir(HOME, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: fileURLToPath(HOME) });
  try {
    return await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

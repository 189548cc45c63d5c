/** A clang that has libFuzzer: `$CC`, else `clang` on the PATH, else Debian's, unpacked. */

import { compiler } from "../c/compile.ts";
import { debianPackages, librariesIn } from "../install/debian.ts";

/** A clang with libFuzzer and the sanitizers. */
export interface Clang {
  /** The program and its first arguments. */
  readonly command: readonly string[];
  /** The environment in which programs that it has compiled find its symbolizer. */
  readonly env: Readonly<Record<string, string>>;
  /** Its name and version. */
  readonly title: string;
}

/** Of the clang in Debian 12. */
const VERSION = 14;

/** clang, its headers and runtimes, its symbolizer, and the libraries that a machine without LLVM lacks. */
const PACKAGES: readonly string[] = [
  `clang-${VERSION}`,
  `libclang-common-${VERSION}-dev`,
  `libclang-rt-${VERSION}-dev`,
  `libclang-cpp${VERSION}`,
  `libllvm${VERSION}`,
  `llvm-${VERSION}`,
  "libbsd0",
  "libedit2",
  "libmd0",
  "libxml2",
  "libz3-4",
];

const TARGET = `#include <stddef.h>
#include <stdint.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return size > 1 && data[0] == data[1] ? 0 : 0; }
`;

async function run(
  [program, ...first]: readonly string[],
  args: readonly string[],
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program!, {
    args: [...first, ...args],
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  if (success) return text.decode(stdout).trim();
  throw new Error(text.decode(stderr).trim() || `${program} failed`);
}

/** Compiles a target and runs it. Throws with the compiler's or the target's message if that fails. */
async function tried(clang: Omit<Clang, "title">): Promise<Clang> {
  const title = (await run(clang.command, ["--version"])).split("\n")[0]!;
  const folder = await Deno.makeTempDir();
  try {
    const source = `${folder}/target.c`, program = `${folder}/target`;
    await Deno.writeTextFile(source, TARGET);
    await run(clang.command, [
      "-fsanitize=fuzzer,address,undefined",
      source,
      "-o",
      program,
    ]);
    await run([program], ["-runs=1"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return { ...clang, title };
}

async function unpacked(): Promise<Omit<Clang, "title">> {
  const root = await debianPackages(PACKAGES);
  const libraries = await librariesIn(root);
  const programs = `${root}usr/lib/llvm-${VERSION}/bin`;
  return {
    command: ["env", `LD_LIBRARY_PATH=${libraries}`, `${programs}/clang`],
    env: {
      ASAN_SYMBOLIZER_PATH: `${programs}/llvm-symbolizer`,
      LD_LIBRARY_PATH: libraries, // the symbolizer's
    },
  };
}

/** A clang with libFuzzer that works here, or the reason why there is none. */
export async function findClang(): Promise<Clang | string> {
  for (const program of new Set([compiler(), "clang"])) {
    try {
      return await tried({ command: [program], env: {} });
    } catch {
      // It is missing, is no clang, or comes without libFuzzer.
    }
  }
  try {
    return await tried(await unpacked());
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const [first, ...rest] = error.message.split("\n");
    return `no clang with libFuzzer: ${
      [first, ...rest].find((line) => /error/i.test(line!)) ?? first
    }`;
  }
}

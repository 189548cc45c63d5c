/**
 * `deno task build:macos`: builds the shim and the interposer for macOS, for both
 * processors in one file, on any machine that zig runs on. See docs/macos.md.
 *
 * The files are kept only if all checks pass: our XPC header agrees with Apple's,
 * they compile without warnings, they link, their imports are reviewed, their
 * signatures are valid.
 */

import { fileURLToPath } from "node:url";
import { CompileError, Toolchain } from "../cross/toolchain.ts";
import {
  listInterposer,
  listShim,
  MACOS_INTERPOSER,
  MACOS_LIBRARY,
  MACOS_VERSION,
  macosFlags,
} from "../c/sources.ts";
import { announce, ROOT } from "../checkout.ts";
import { declarationProof, readXpcHeader } from "./declarations.ts";
import {
  availabilityProgram,
  importProblems,
  parseImports,
  type Reviewed,
} from "./imports.ts";
import {
  type Architecture,
  type Dylib,
  joinSlices,
  readDylib,
} from "./mach_o.ts";
import { signatureProblem } from "./signature.ts";
import { ARCHITECTURES, macosTarget } from "./target.ts";

/** A library for macOS. */
export interface MacosLibrary {
  readonly name: string;
  /** The reviewed list of the names that it imports from macOS. */
  readonly imports: URL;
  /** The C files. */
  readonly sources: () => Promise<string[]>;
  /** The output, a universal file. */
  readonly output: URL;
}

function libraryOf(
  name: string,
  imports: string,
  sources: () => Promise<string[]>,
): MacosLibrary {
  return {
    name,
    imports: new URL(imports, import.meta.url),
    sources,
    output: new URL(`c/out/macos/${name}`, ROOT),
  };
}

/** The shim. */
export const SHIM: MacosLibrary = libraryOf(
  MACOS_LIBRARY,
  "imports.txt",
  () => listShim("darwin"),
);

/** The interposer: see `c/bootstrap/interpose_macos.c`. */
export const INTERPOSER: MacosLibrary = libraryOf(
  MACOS_INTERPOSER,
  "interposer_imports.txt",
  listInterposer,
);

const CHECKED = ["-std=c11", "-Wall", "-Wextra", "-Werror"];

/** Compiles the proof of {@link declarationProof}. Throws CompileError if our XPC header differs from Apple's. */
export async function checkDeclarations(
  toolchain: Toolchain,
  proof: string,
): Promise<void> {
  for (const architecture of ARCHITECTURES) {
    await toolchain.check(macosTarget(architecture), proof, CHECKED);
  }
}

/** Throws CompileError unless the oldest macOS has every strong import of the list. */
export async function checkAvailability(
  toolchain: Toolchain,
  reviewed: readonly Reviewed[],
): Promise<void> {
  const flags = [
    ...CHECKED,
    "-Wunguarded-availability",
    "-Wno-deprecated-declarations",
  ];
  for (const architecture of ARCHITECTURES) {
    await toolchain.check(
      macosTarget(architecture),
      availabilityProgram(reviewed),
      flags,
    );
  }
}

/** Returns what is wrong with a library for one processor; empty if nothing is. */
export function dylibProblems(
  bytes: Uint8Array,
  dylib: Dylib,
  reviewed: readonly Reviewed[],
  stub: string,
): string[] {
  const problems = importProblems(reviewed, dylib, stub);
  const say = (problem: string): void => {
    problems.push(`${dylib.architecture}: ${problem}`);
  };
  if (dylib.minimumVersion !== MACOS_VERSION) {
    say(`it is for macOS ${dylib.minimumVersion}, not ${MACOS_VERSION}`);
  }
  if (dylib.libraries.join() !== "/usr/lib/libSystem.B.dylib") {
    say(`it loads ${dylib.libraries}, not libSystem alone`);
  }
  if (dylib.signature) {
    const problem = signatureProblem(bytes, dylib.signature);
    if (problem) say(`its signature is wrong: ${problem}`);
  } else if (dylib.architecture === "arm64") {
    say("it is not signed, and would not be loaded"); // Intel Macs load it unsigned
  }
  return problems;
}

/**
 * Compiles and links the sources for one processor, and returns the file. Their
 * paths are relative to the root of the checkout. Throws CompileError.
 */
export async function compileSlice(
  toolchain: Toolchain,
  architecture: Architecture,
  sources: readonly string[],
  name = MACOS_LIBRARY,
): Promise<Uint8Array> {
  // Without debugging information, which would contain paths of this machine.
  return await toolchain.link(macosTarget(architecture), name, [
    ...macosFlags(name),
    "-g0",
    ...sources,
  ]);
}

/** Builds a library and checks it. Throws CompileError, or Error with all problems. */
export async function buildMacos(
  toolchain: Toolchain,
  library: MacosLibrary = SHIM,
): Promise<Uint8Array> {
  await checkDeclarations(
    toolchain,
    declarationProof(await readXpcHeader(ROOT)),
  );
  const reviewed = parseImports(await Deno.readTextFile(library.imports));
  await checkAvailability(toolchain, reviewed);
  const sources = await library.sources();
  const stub = await toolchain.stub();
  const slices: Uint8Array[] = [];
  const problems: string[] = [];
  for (const architecture of ARCHITECTURES) {
    const slice = await compileSlice(
      toolchain,
      architecture,
      sources,
      library.name,
    );
    slices.push(slice);
    problems.push(...dylibProblems(slice, readDylib(slice), reviewed, stub));
  }
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return joinSlices(slices);
}

async function main(): Promise<void> {
  let name = "";
  try {
    const toolchain = await Toolchain.open();
    for (const library of [SHIM, INTERPOSER]) {
      name = library.name;
      const bytes = await buildMacos(toolchain, library);
      const { output } = library;
      await Deno.mkdir(new URL(".", output), { recursive: true });
      const temporary = new URL(`${output.href}.${Deno.pid}.tmp`);
      await Deno.writeFile(temporary, bytes, { mode: 0o755 });
      await Deno.rename(temporary, output);
      announce(
        `built ${fileURLToPath(output).slice(fileURLToPath(ROOT).length)}: ` +
          `${ARCHITECTURES.join(" and ")}, macOS ${MACOS_VERSION} and later`,
      );
    }
  } catch (error) {
    const compiling = error instanceof CompileError;
    announce(
      `Cannot build ${name || "the shim"} for macOS${
        compiling ? "; the compiler says" : ""
      }:` +
        `\n${(error as Error).message}`,
    );
    Deno.exit(1);
  }
}

if (import.meta.main) await main();

/**
 * `deno task build:macos`: builds the shim for macOS, for both processors in one
 * file, on any machine that zig runs on. See docs/macos.md.
 *
 * The file is kept only if all checks pass: our XPC header agrees with Apple's,
 * it compiles without warnings, it links, its imports are reviewed, its signature
 * is valid.
 */

import { fileURLToPath } from "node:url";
import { CompileError, Toolchain } from "../cross/toolchain.ts";
import { listShim, MACOS, MACOS_LIBRARY, MACOS_VERSION } from "../c/sources.ts";
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

/** The reviewed list of the names that the shim imports from macOS. */
export const IMPORTS: URL = new URL("imports.txt", import.meta.url);

/** The output, a universal file. */
export const OUTPUT: URL = new URL(`c/out/macos/${MACOS_LIBRARY}`, ROOT);

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

/** Returns what is wrong with the shim for one processor; empty if nothing is. */
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
): Promise<Uint8Array> {
  // Without debugging information, which would contain paths of this machine.
  return await toolchain.link(macosTarget(architecture), MACOS_LIBRARY, [
    ...MACOS,
    "-g0",
    ...sources,
  ]);
}

/** Builds the shim and checks it. Throws CompileError, or Error with all problems. */
export async function buildMacos(toolchain: Toolchain): Promise<Uint8Array> {
  await checkDeclarations(
    toolchain,
    declarationProof(await readXpcHeader(ROOT)),
  );
  const reviewed = parseImports(await Deno.readTextFile(IMPORTS));
  await checkAvailability(toolchain, reviewed);
  const sources = await listShim("darwin");
  const stub = await toolchain.stub();
  const slices: Uint8Array[] = [];
  const problems: string[] = [];
  for (const architecture of ARCHITECTURES) {
    const slice = await compileSlice(toolchain, architecture, sources);
    slices.push(slice);
    problems.push(...dylibProblems(slice, readDylib(slice), reviewed, stub));
  }
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return joinSlices(slices);
}

async function main(): Promise<void> {
  try {
    const library = await buildMacos(await Toolchain.open());
    await Deno.mkdir(new URL(".", OUTPUT), { recursive: true });
    const temporary = new URL(`${OUTPUT.href}.${Deno.pid}.tmp`);
    await Deno.writeFile(temporary, library, { mode: 0o755 });
    await Deno.rename(temporary, OUTPUT);
    announce(
      `built ${fileURLToPath(OUTPUT).slice(fileURLToPath(ROOT).length)}: ` +
        `${ARCHITECTURES.join(" and ")}, macOS ${MACOS_VERSION} and later`,
    );
  } catch (error) {
    const compiling = error instanceof CompileError;
    announce(
      `Cannot build the shim for macOS${
        compiling ? "; the compiler says" : ""
      }:` +
        `\n${(error as Error).message}`,
    );
    Deno.exit(1);
  }
}

if (import.meta.main) await main();

/** Compiles C with this machine's compiler, `$CC` or else `cc`, when something has changed. */

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { announce, ROOT } from "../checkout.ts";
import { describeEnd, type Ended, runToEnd } from "../programs.ts";
import { whyStub } from "../macos/command_line_tools.ts";
import { listC } from "./sources.ts";

const OUT_PATH = `c/out/${Deno.build.os}-${Deno.build.arch}/`;

/** The folder of all output for this machine: `c/out/<system>-<arch>/`. */
export const OUT: URL = new URL(OUT_PATH, ROOT);

/** The limit for one run of the compiler, which takes seconds. */
const LIMIT_MS = 1_200_000;

/** Flags for ASan and UBSan; the first finding ends the program. Without optimization and with lines alone, compiling takes two thirds of the time. */
export const SANITIZED: readonly string[] = [
  "-O0",
  "-g1",
  "-fsanitize=address,undefined",
  "-fno-sanitize-recover=all",
  "-fno-omit-frame-pointer",
];

/** The C compiler. Needs `--allow-env=CC`. */
export function compiler(): string {
  return Deno.env.get("CC") || "cc";
}

const WITHOUT_COMPILER =
  "Without a compiler: use the published package, which contains a prebuilt shim, or set " +
  "STREAMLIB_LIBRARY to the absolute path of a libstreamlib_bridge.dylib that " +
  "`deno task build:macos` has made on another machine.";

/**
 * Runs the C compiler or a tool that comes with it, in the root of the checkout.
 * If it fails, shows its output and ends this program with code 1.
 */
export async function tool(program: string, args: string[]): Promise<void> {
  const stub = whyStub(program);
  if (stub !== undefined) {
    announce(
      `Cannot build the shim: '${program}' is only a stub of macOS: ${stub}. ` +
        `Install them: \`xcode-select --install\`. ${WITHOUT_COMPILER}`,
    );
    Deno.exit(1);
  }
  let ended: Ended;
  try {
    ended = await runToEnd(program, {
      args,
      cwd: ROOT,
      limitMs: LIMIT_MS,
      sharesSession: true,
    });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    announce(
      `Cannot build the shim: no ${
        program === compiler() ? "C compiler " : ""
      }'${program}' on the PATH. ` +
        "Install one (Debian: `apt install gcc libc6-dev`; macOS: `xcode-select --install`) " +
        "or name it in CC.",
    );
    Deno.exit(1);
  }
  const said = (ended.stdout + ended.stderr).trimEnd();
  if (said !== "") announce(said);
  if (ended.code !== 0) {
    announce(
      `Cannot build the shim: '${program}': ${describeEnd(ended, LIMIT_MS)}` +
        (said === "" ? "" : "; its messages are above"),
    );
    Deno.exit(1);
  }
}

/** Runs the C compiler. */
export async function cc(args: string[]): Promise<void> {
  await tool(compiler(), args);
}

const HEADER_FOLDERS = [
  "include/",
  "bootstrap/",
  "bridge/",
  "confine/",
  "linux/",
  "linux/include/xpc/",
];

/** The headers that a source may include: those in these folders, and those beside it. */
async function headersOf(files: string[]): Promise<string[]> {
  const beside = files.map((file) =>
    file.slice("c/".length, file.lastIndexOf("/") + 1)
  );
  const folders = [...new Set([...HEADER_FOLDERS, ...beside])];
  const lists = await Promise.all(folders.map((folder) => listC(folder, ".h")));
  return lists.flat();
}

/**
 * Compiles C files to one object, in parallel on all processors. Returns its
 * path from the root of the checkout.
 */
export async function compileObject(
  output: string,
  sources: string[],
  flags: readonly string[],
): Promise<string> {
  await whenChanged(output, sources, flags, async (temporary) => {
    const objects = sources.map((_, i) => `${temporary}.${i}.o`);
    const rest = sources.entries();
    const work = async (): Promise<void> => {
      for (const [i, source] of rest) {
        await cc([...flags, "-c", source, "-o", objects[i]!]);
      }
    };
    await Promise.all(
      Array.from({ length: navigator.hardwareConcurrency }, work),
    );
    // By the compiler, which tells Apple's ld the processor and the version of macOS. Without the
    // flags, with which it would add the runtime of its sanitizers.
    await cc(["-r", "-nostdlib", ...objects, "-o", temporary]);
    await Promise.all(objects.map((object) => Deno.remove(object)));
  });
  return `${OUT_PATH}${output}`;
}

/** A hash of what the output depends on: compiler, flags and the bytes of every source. */
async function fingerprint(
  files: string[],
  flags: readonly string[],
): Promise<string> {
  const hash = createHash("sha256").update([compiler(), ...flags].join("\0"));
  for (const file of [...files, ...await headersOf(files)]) {
    hash.update(file).update(await Deno.readFile(new URL(file, ROOT)));
  }
  return hash.digest("hex");
}

/**
 * Makes the file `output` unless it was made from the same sources, headers and
 * flags before. `make` writes the file whose path it gets. Returns the path of
 * `output`.
 */
export async function whenChanged(
  output: string,
  files: string[],
  flags: readonly string[],
  make: (temporary: string) => Promise<void>,
): Promise<string> {
  const target = new URL(output, OUT);
  const mark = new URL(`${output}.sha256`, OUT);
  const now = await fingerprint(files, flags);
  const before = await Deno.readTextFile(mark).catch(() => "");
  const there = await Deno.stat(target).then(() => true, () => false);
  if (before === now && there) return fileURLToPath(target);
  await Deno.mkdir(new URL(".", target), { recursive: true });
  // Written to a temporary file and renamed: a process that has mapped the old library keeps it.
  const temporary = new URL(`${output}.${Deno.pid}.tmp`, OUT);
  await make(fileURLToPath(temporary));
  await Deno.rename(temporary, target);
  await Deno.writeTextFile(mark, now);
  announce(`built ${OUT_PATH}${output}`);
  return fileURLToPath(target);
}

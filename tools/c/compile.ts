/** Compiling C with the machine's compiler, `$CC` or else `cc`, only when something changed. */

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { listC, ROOT } from "./sources.ts";

const OUT_PATH = `c/out/${Deno.build.os}-${Deno.build.arch}/`;

/** Where everything that is made for this machine goes: `c/out/<system>-<arch>/`. */
export const OUT: URL = new URL(OUT_PATH, ROOT);

/** The first finding ends the program. */
export const SANITIZED: readonly string[] = [
  "-O1",
  "-g",
  "-fsanitize=address,undefined",
  "-fno-sanitize-recover=all",
  "-fno-omit-frame-pointer",
];

/** The C compiler. Needs `--allow-env=CC`. */
export function compiler(): string {
  return Deno.env.get("CC") || "cc";
}

/** A line on the standard error. */
export function announce(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** Runs a tool, the C compiler or of its company, in the root of the checkout; ends this program if that fails. */
export async function tool(program: string, args: string[]): Promise<void> {
  let status: Deno.CommandStatus;
  try {
    status = await new Deno.Command(program, {
      args,
      cwd: ROOT,
      stdin: "null",
    }).spawn().status;
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
  if (!status.success) {
    announce(
      `Cannot build the shim: '${program}' failed; its messages are above.`,
    );
    Deno.exit(1);
  }
}

/** Runs the C compiler. */
export async function cc(args: string[]): Promise<void> {
  await tool(compiler(), args);
}

/** Whether the C compiler is a clang. */
export async function isClang(): Promise<boolean> {
  const { stdout } = await new Deno.Command(compiler(), {
    args: ["--version"],
    stdin: "null",
  }).output();
  return new TextDecoder().decode(stdout).includes("clang");
}

const HEADER_FOLDERS = ["include/", "bridge/", "linux/", "linux/include/xpc/"];

/** The headers that a source may include: those, and the ones beside it. */
async function headersOf(files: string[]): Promise<string[]> {
  const beside = files.map((file) =>
    file.slice("c/".length, file.lastIndexOf("/") + 1)
  );
  const folders = [...new Set([...HEADER_FOLDERS, ...beside])];
  const lists = await Promise.all(folders.map((folder) => listC(folder, ".h")));
  return lists.flat();
}

/**
 * Compiles C to one object, as many files at once as there are processors.
 * Returns its path from the root of the checkout.
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
    // Not by clang, which would put its sanitizers' runtime into it.
    await tool("ld", ["-r", ...objects, "-o", temporary]);
    await Promise.all(objects.map((object) => Deno.remove(object)));
  });
  return `${OUT_PATH}${output}`;
}

/** What the output depends on: compiler, flags and the bytes of every source. */
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
 * Runs `make`, which writes the file it is given, unless `output` is already
 * that of the same sources, headers and flags. Returns the path of `output`.
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
  // Written beside and renamed: a process that has the old library mapped keeps it.
  const temporary = new URL(`${output}.${Deno.pid}.tmp`, OUT);
  await make(fileURLToPath(temporary));
  await Deno.rename(temporary, target);
  await Deno.writeTextFile(mark, now);
  announce(`built ${OUT_PATH}${output}`);
  return fileURLToPath(target);
}

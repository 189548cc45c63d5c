/**
 * ffmpeg and ffprobe for tests: those of the machine, or else static programs
 * from npm packages, which are installed below `c/out/` and checked against the
 * lock file.
 */

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { ROOT } from "../checkout.ts";
import { describeEnd, runToEnd } from "../programs.ts";

/** The limit for one run of npm, which downloads 50 MB. */
const LIMIT_MS = 1_800_000;
const PACKAGES = new URL("ffmpeg/", import.meta.url);
const HOME = new URL("c/out/ffmpeg/", ROOT);
const PROGRAMS = ["ffmpeg", "ffprobe"] as const;

/** Whether there are packages for this machine. */
export const HAS_PACKAGES: boolean = Deno.build.os === "linux";

/** Whether the machine has these programs; true if this process may not run any. Synchronous, because tests are declared by it. */
export function hasFfmpeg(programs: readonly string[] = PROGRAMS): boolean {
  if (Deno.permissions.querySync({ name: "run" }).state !== "granted") {
    return true;
  }
  try {
    return programs.every((name) =>
      new Deno.Command(name, {
        args: ["-version"],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).outputSync().success
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Puts the programs into this process's PATH, unless the machine has them. They are
 * installed at the first call, and kept. Throws with npm's output if that fails.
 */
export async function ffmpegOnPath(): Promise<void> {
  if (hasFfmpeg()) return;
  const lock = await Deno.readTextFile(new URL("package-lock.json", PACKAGES));
  const version = createHash("sha256").update(lock).digest("hex").slice(0, 12);
  const done = new URL(`complete-${version}`, HOME);
  const isInstalled = await Deno.stat(done).then(() => true, () => false);
  if (!isInstalled) {
    await install();
    await Deno.writeTextFile(done, "");
  }
  const folders = PROGRAMS.map((name) => fileURLToPath(folderOf(name)));
  Deno.env.set("PATH", [...folders, Deno.env.get("PATH")].join(":"));
}

function folderOf(name: string): URL {
  const arch = Deno.build.arch === "x86_64" ? "x64" : "arm64";
  return new URL(`node_modules/@${name}-installer/linux-${arch}/`, HOME);
}

async function install(): Promise<void> {
  await Deno.mkdir(HOME, { recursive: true });
  for (const name of ["package.json", "package-lock.json"]) {
    await Deno.copyFile(new URL(name, PACKAGES), new URL(name, HOME));
  }
  const ended = await runToEnd("npm", {
    args: ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
    cwd: HOME,
    limitMs: LIMIT_MS,
    sharesSession: true,
  });
  if (ended.code !== 0) {
    throw new Error(
      `Cannot install ffmpeg: npm: ${describeEnd(ended, LIMIT_MS)}: ` +
        `${ended.stdout}${ended.stderr}`,
    );
  }
  // Their packages would do this in a script, which is not run.
  for (const name of PROGRAMS) {
    await Deno.chmod(new URL(name, folderOf(name)), 0o755);
  }
}

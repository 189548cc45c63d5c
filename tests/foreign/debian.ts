/**
 * Packages of the distribution, unpacked beside the compiled shim instead of
 * installed: that takes no rights and changes nothing on the machine. apt
 * checks what it downloads against the distribution's keys.
 */

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";

const HOME = new URL("../../c/out/debian/", import.meta.url);

async function run(
  program: string,
  args: string[],
  cwd: string,
): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, {
    args,
    cwd,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  throw new Error(`${program}: ${new TextDecoder().decode(stderr).trim()}`);
}

/** With lists and a cache of its own: those of the machine may be empty, or not for us to write. */
async function download(packages: string[], folder: string): Promise<void> {
  const apt = (args: string[]): Promise<void> =>
    run("apt-get", [
      "-o",
      `Dir::State::lists=${folder}/lists`,
      "-o",
      `Dir::Cache=${folder}/cache`,
      "-o",
      "APT::Sandbox::User=",
      ...args,
    ], folder);
  for (const part of ["lists", "cache/archives"]) {
    await Deno.mkdir(`${folder}/${part}/partial`, { recursive: true });
  }
  await apt(["update"]);
  await apt(["download", ...packages]);
}

/**
 * The folder of the libraries of these packages, unpacked at the first call
 * and kept. Throws with the reason where they cannot be had: no apt, say.
 */
export async function debianLibraries(packages: string[]): Promise<string> {
  const version = createHash("sha256").update(packages.join()).digest("hex");
  const made = fileURLToPath(new URL(`${version.slice(0, 12)}/`, HOME));
  const libraries = async (): Promise<string | undefined> => {
    for await (const { name } of Deno.readDir(`${made}usr/lib`)) {
      if (name.includes("-linux-")) return `${made}usr/lib/${name}`;
    }
    return undefined;
  };
  const before = await libraries().catch(() => undefined);
  if (before) return before;
  const folder = await Deno.makeTempDir();
  try {
    await download(packages, folder);
    for await (const { name } of Deno.readDir(folder)) {
      if (!name.endsWith(".deb")) continue;
      await run("dpkg-deb", ["-x", name, "unpacked"], folder);
    }
    await run("mkdir", ["-p", fileURLToPath(HOME)], folder);
    await run("cp", ["-aT", "unpacked", made], folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const after = await libraries();
  if (!after) throw new Error(`no library in ${packages.join(", ")}`);
  return after;
}

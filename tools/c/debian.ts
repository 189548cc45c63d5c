/**
 * Packages of Debian, unpacked below `c/out/` instead of installed: that takes
 * no rights and changes nothing on the machine. apt checks what it downloads
 * against Debian's keys.
 */

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { ROOT } from "./sources.ts";

const HOME = new URL("c/out/debian/", ROOT);
const KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";

async function run(
  program: string,
  args: string[],
  cwd: string,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd,
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  if (success) return text.decode(stdout);
  throw new Error(`${program}: ${text.decode(stderr).trim()}`);
}

/** The machine's own archive, but another release of it. */
async function source(release: string, folder: string): Promise<string> {
  const archives = await run("apt-get", [
    "indextargets",
    "--format",
    "$(REPO_URI)",
    "Created-By: Packages",
    "Component: main",
  ], folder);
  const archive = archives.split("\n")[0];
  if (!archive) throw new Error("apt has no archive");
  return `deb [signed-by=${KEYS}] ${archive} ${release} main\n`;
}

/** With lists and a cache of its own: those of the machine may be empty, or not for us to write. */
async function download(
  packages: readonly string[],
  release: string | undefined,
  folder: string,
): Promise<void> {
  const options = [
    `Dir::State::lists=${folder}/lists`,
    `Dir::Cache=${folder}/cache`,
    "APT::Sandbox::User=",
  ];
  if (release) {
    const list = `${folder}/sources.list`;
    await Deno.writeTextFile(list, await source(release, folder));
    options.push(`Dir::Etc::SourceList=${list}`, "Dir::Etc::SourceParts=-");
  }
  for (const part of ["lists", "cache/archives"]) {
    await Deno.mkdir(`${folder}/${part}/partial`, { recursive: true });
  }
  const flags = options.flatMap((option) => ["-o", option]);
  await run("apt-get", [...flags, "update"], folder);
  await run("apt-get", [...flags, "download", ...packages], folder);
}

/**
 * The folder that stands for `/` in these packages, with a `/` at its end:
 * unpacked at the first call and kept. They are of the machine's own release
 * unless one is named. Throws with the reason where they cannot be had: no apt,
 * say.
 */
export async function debianPackages(
  packages: readonly string[],
  release?: string,
): Promise<string> {
  const version = createHash("sha256")
    .update([release ?? "", ...packages].join()).digest("hex").slice(0, 12);
  const made = fileURLToPath(new URL(`${version}/`, HOME));
  if (await Deno.stat(made).then(() => true, () => false)) return made;
  await Deno.mkdir(HOME, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: fileURLToPath(HOME) });
  try {
    await download(packages, release, folder);
    for await (const { name } of Deno.readDir(folder)) {
      if (!name.endsWith(".deb")) continue;
      await run("dpkg-deb", ["-x", name, "unpacked"], folder);
    }
    await Deno.rename(`${folder}/unpacked`, made);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return made;
}

/** Where in such a folder the libraries of this machine's kind are. */
export async function librariesIn(root: string): Promise<string> {
  for await (const { name } of Deno.readDir(`${root}usr/lib`)) {
    if (name.includes("-linux-")) return `${root}usr/lib/${name}`;
  }
  throw new Error(`no library below ${root}`);
}

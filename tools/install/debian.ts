/**
 * Debian packages, unpacked below `c/out/` instead of installed: that needs no
 * root rights, and changes nothing else on the machine. apt checks each download
 * against Debian's keys.
 */

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { ROOT } from "../checkout.ts";
import { madeOnce } from "./made_once.ts";
import { describeEnd, runToEnd } from "../programs.ts";

/** The limit for one run of apt, which may download packages over a slow network. */
const LIMIT_MS = 1_800_000;
const HOME = new URL("c/out/debian/", ROOT);
const KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";

async function run(
  program: string,
  args: string[],
  cwd: string,
): Promise<string> {
  const ended = await runToEnd(program, {
    args,
    cwd,
    limitMs: LIMIT_MS,
    sharesSession: true,
  });
  if (ended.code === 0) return ended.stdout;
  throw new Error(
    `${program}: ${ended.stderr.trim() || describeEnd(ended, LIMIT_MS)}`,
  );
}

/** The line of a sources.list for another release of this machine's archive. */
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

/** Downloads packages, with apt lists and a cache in `folder`: those of the machine may be empty or read-only. */
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
 * Unpacks packages at the first call, and keeps them. Returns the folder that
 * holds their files, with a `/` at its end. The packages are those of
 * `release`, by default of this machine's release. Throws if they cannot be
 * downloaded, for example because there is no apt.
 */
export async function debianPackages(
  packages: readonly string[],
  release?: string,
): Promise<string> {
  const version = createHash("sha256")
    .update([release ?? "", ...packages].join()).digest("hex").slice(0, 12);
  const made = new URL(`${version}/`, HOME);
  await madeOnce(made, async (result, scratch) => {
    await download(packages, release, scratch);
    for await (const { name } of Deno.readDir(scratch)) {
      if (name.endsWith(".deb")) {
        await run("dpkg-deb", ["-x", name, result], scratch);
      }
    }
  });
  return fileURLToPath(made);
}

/** The folder of the libraries for this machine's processor, below a folder of {@link debianPackages}. */
export async function librariesIn(root: string): Promise<string> {
  for await (const { name } of Deno.readDir(`${root}usr/lib`)) {
    if (name.includes("-linux-")) return `${root}usr/lib/${name}`;
  }
  throw new Error(`no library below ${root}`);
}

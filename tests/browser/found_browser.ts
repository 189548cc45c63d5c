/**
 * Finds the browser for the tests: an installed one, or else one from an npm
 * package, which is unpacked below c/out/ and kept.
 */

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { describeEnd, runToEnd } from "../../tools/programs.ts";
import type { BrowserProgram } from "./browser.ts";

/** A headless Chromium with all libraries that it needs except the C library. */
const PACKAGE = "@sparticuz/chromium@153.0.0";
const SHA512 =
  "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==";
/** The files in it, compressed with brotli. Folders are tar files. */
const PROGRAM = "chromium";
const FOLDERS = ["al2023", "fonts", "swiftshader"];
/** The flags of this build, which must run without helper processes. */
const ARGS = [
  "--single-process",
  "--no-zygote",
  "--in-process-gpu",
  "--use-gl=angle",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
];

/** The limit for the download. */
const LIMIT_MS = 1_200_000;

const INSTALLED = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
];
const ON_MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

const HOME = new URL("../../c/out/browser/", import.meta.url);

/** Returns the browser to use. Throws with the reason if there is none, and none can be downloaded. */
export async function findBrowser(): Promise<BrowserProgram> {
  return await installedBrowser() ?? await packagedBrowser();
}

/** An installed browser. */
async function installedBrowser(): Promise<BrowserProgram | undefined> {
  const folders = (Deno.env.get("PATH") ?? "").split(":").filter(Boolean);
  const places = INSTALLED.flatMap((name) =>
    folders.map((f) => `${f}/${name}`)
  );
  for (const path of [...places, ON_MACOS]) {
    if (await isFile(path)) return { path };
  }
  return undefined;
}

/** The browser from npm, downloaded at the first call. */
async function packagedBrowser(): Promise<BrowserProgram> {
  const { os, arch } = Deno.build;
  if (os !== "linux" || arch !== "x86_64") {
    throw new Error(
      `no browser is installed, and npm has none for ${os} ${arch}`,
    );
  }
  const made = fileURLToPath(new URL(`${SHA512.slice(0, 12)}/`, HOME));
  if (!await isFile(`${made}fonts.conf`)) await unpack(made);
  return {
    path: `${made}${PROGRAM}`,
    args: ARGS,
    env: {
      LD_LIBRARY_PATH: `${made}lib`,
      FONTCONFIG_FILE: `${made}fonts.conf`,
    },
  };
}

async function unpack(target: string): Promise<void> {
  await Deno.mkdir(HOME, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: fileURLToPath(HOME) });
  try {
    await run("npm", ["pack", "--silent", PACKAGE], folder);
    const [archive] = [...Deno.readDirSync(folder)];
    const path = `${folder}/${archive?.name}`;
    const found = createHash("sha512").update(await Deno.readFile(path))
      .digest("base64");
    if (found !== SHA512) {
      throw new Error(`${PACKAGE} is not the one that was looked at: ${found}`);
    }
    await run("tar", ["-xf", path], folder);
    const bin = `${folder}/package/bin`;
    const browser = `${folder}/browser`;
    await Deno.mkdir(browser);
    const inflate = async (name: string): Promise<Uint8Array> =>
      brotliDecompressSync(await Deno.readFile(`${bin}/${name}.br`));
    await Deno.writeFile(`${browser}/${PROGRAM}`, await inflate(PROGRAM), {
      mode: 0o755,
    });
    for (const name of FOLDERS) {
      await Deno.writeFile(
        `${folder}/${name}.tar`,
        await inflate(`${name}.tar`),
      );
      await run("tar", ["-xf", `${folder}/${name}.tar`, "-C", browser], folder);
    }
    // Last: if this file exists, the browser was unpacked completely.
    await Deno.writeTextFile(
      `${browser}/fonts.conf`,
      `<?xml version="1.0"?>\n<fontconfig><dir>${target}fonts</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>\n`,
    );
    await Deno.rename(browser, target);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

async function run(
  program: string,
  args: string[],
  cwd: string,
): Promise<void> {
  const ended = await runToEnd(program, { args, cwd, limitMs: LIMIT_MS });
  if (ended.code === 0) return;
  throw new Error(
    `${program} ${args[0]}: ${describeEnd(ended, LIMIT_MS)}: ${ended.stderr}`,
  );
}

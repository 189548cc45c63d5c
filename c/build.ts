/**
 * `deno task build`: compiles the shim with the machine's C compiler, only when
 * something changed. `deno task test:c` (`build.ts --test`) compiles and runs the
 * C tests under AddressSanitizer and UndefinedBehaviorSanitizer.
 *
 * The compiler is `$CC`, else `cc`. Output goes to `c/out/<system>-<arch>/`.
 */

import { createHash } from "node:crypto";
import {
  listC,
  listShim,
  MACOS,
  MACOS_LIBRARY,
  MACOS_VERSION,
  STRICT,
} from "./sources.ts";

const SOURCES = new URL("./", import.meta.url);
const OUT = new URL(`out/${Deno.build.os}-${Deno.build.arch}/`, SOURCES);
const LIBRARY = "libstreamlib_bridge.so";

const COMMON = [...STRICT, "-D_GNU_SOURCE", "-pthread", "-Ic/linux"];
const SHARED = ["-O2", "-g", "-fPIC", "-fvisibility=hidden", "-shared"];
/** Deno unmaps a library at exit while XPC's threads still run: this one stays. */
const LINK = ["-Wl,-z,nodelete", "-Wl,-z,defs", "-Wl,-z,relro,-z,now"];
const SANITIZED = [
  "-O1",
  "-g",
  "-fsanitize=address,undefined",
  "-fno-sanitize-recover=all",
  "-fno-omit-frame-pointer",
];

const compiler = Deno.env.get("CC") || "cc";

function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

async function cc(args: string[]): Promise<void> {
  let status: Deno.CommandStatus;
  try {
    status = await new Deno.Command(compiler, {
      args,
      cwd: new URL("../", SOURCES),
      stdin: "null",
    }).spawn().status;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    say(
      `Cannot build the shim: no C compiler '${compiler}' on the PATH. ` +
        "Install one (Debian: `apt install gcc libc6-dev`; macOS: `xcode-select --install`) " +
        "or name it in CC.",
    );
    Deno.exit(1);
  }
  if (!status.success) {
    say(`Cannot build the shim: '${compiler}' failed; its messages are above.`);
    Deno.exit(1);
  }
}

async function exists(url: URL): Promise<boolean> {
  return await Deno.stat(url).then(() => true, () => false);
}

/** What the output depends on: compiler, flags and the bytes of every source. */
async function fingerprint(files: string[], flags: string[]): Promise<string> {
  const hash = createHash("sha256").update([compiler, ...flags].join("\0"));
  for (const file of files) {
    hash.update(file).update(
      await Deno.readFile(new URL(`../${file}`, SOURCES)),
    );
  }
  return hash.digest("hex");
}

/** Runs `make` unless `output` is already that of the same sources and flags. */
async function whenChanged(
  output: string,
  files: string[],
  flags: string[],
  make: (temporary: string) => Promise<void>,
): Promise<void> {
  const target = new URL(output, OUT);
  const mark = new URL(`${output}.sha256`, OUT);
  const now = await fingerprint(files, flags);
  const before = await Deno.readTextFile(mark).catch(() => "");
  if (before === now && await exists(target)) return;
  await Deno.mkdir(OUT, { recursive: true });
  // Written beside and renamed: a process that has the old library mapped keeps it.
  const temporary = new URL(`${output}.${Deno.pid}.tmp`, OUT);
  await make(decodeURI(temporary.pathname));
  await Deno.rename(temporary, target);
  await Deno.writeTextFile(mark, now);
  say(`built c/out/${Deno.build.os}-${Deno.build.arch}/${output}`);
}

const HEADER_FOLDERS = ["include/", "bridge/", "linux/", "linux/include/xpc/"];

async function headers(): Promise<string[]> {
  const lists = await Promise.all(
    HEADER_FOLDERS.map((folder) => listC(folder, ".h")),
  );
  return lists.flat();
}

async function buildForLinux(): Promise<void> {
  const sources = [...await listShim("linux"), ...await listC("linux/")];
  const flags = [...COMMON, ...SHARED, ...LINK];
  await whenChanged(
    LIBRARY,
    [...sources, ...await headers()],
    flags,
    (output) =>
      cc([
        ...COMMON,
        ...SHARED,
        ...sources,
        "-o",
        output,
        ...LINK,
        "-lpthread",
      ]),
  );
}

/** For the machine's own processor; `deno task build:macos` makes both. Not run on a Mac yet. */
async function buildForMacos(): Promise<void> {
  const sources = await listShim("darwin");
  const flags = [...MACOS, `-mmacosx-version-min=${MACOS_VERSION}`];
  await whenChanged(
    MACOS_LIBRARY,
    [...sources, ...await headers()],
    flags,
    (output) => cc([...flags, ...sources, "-o", output]),
  );
}

async function buildLibrary(): Promise<void> {
  if (Deno.build.os === "linux") return await buildForLinux();
  if (Deno.build.os === "darwin") return await buildForMacos();
  say(
    `Cannot build the shim for ${Deno.build.os}: it is for Linux and macOS.`,
  );
  Deno.exit(1);
}

/** What stands in for macOS's frameworks; the test that loads it looks beside itself. */
async function buildDouble(): Promise<void> {
  const sources = await listC("tests/", "_double.c");
  const flags = [...SANITIZED, "-fPIC", "-shared"];
  await whenChanged(
    "iosurface_double.so",
    [...sources, ...await listC("tests/", ".h"), ...await headers()],
    flags,
    (output) => cc([...COMMON, ...flags, ...sources, "-o", output]),
  );
}

/**
 * A test of c/linux links that alone; one of the shim links both; one of the
 * shim's surfaces on macOS links those, and lends the double its libxpc.
 */
async function runTests(): Promise<void> {
  await buildDouble();
  const linux = await listC("linux/");
  const both = [...await listShim("linux"), ...linux];
  const withIosurface = [...await listShim("double"), ...linux];
  let failed = 0;
  const tests = await listC("tests/", "_test.c");
  for (const test of tests) {
    const name = test.slice("c/tests/".length, -".c".length);
    const overDouble = name.startsWith("iosurface_");
    const sources = [
      test,
      ...(name.startsWith("linux_")
        ? linux
        : overDouble
        ? withIosurface
        : both),
    ];
    const flags = [...SANITIZED, ...(overDouble ? ["-rdynamic"] : [])];
    const helpers = await listC("tests/", ".h");
    await whenChanged(
      name,
      [...sources, ...helpers, ...await headers()],
      flags,
      (output) => cc([...COMMON, ...flags, ...sources, "-o", output]),
    );
    say(`--- ${name}`);
    const { success } = await new Deno.Command(new URL(name, OUT), {
      stdin: "null",
    }).spawn().status;
    if (!success) failed++;
  }
  say(
    `C tests under ASan and UBSan: ${
      tests.length - failed
    } passed, ${failed} failed`,
  );
  if (failed > 0) Deno.exit(1);
}

if (Deno.args.includes("--test")) await runTests();
else await buildLibrary();

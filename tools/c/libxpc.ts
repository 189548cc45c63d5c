/**
 * `deno task build:libxpc`: builds our libxpc as a separate library, with headers
 * and a pkg-config file, in `c/out/<system>-<arch>/libxpc/`, or in the folder
 * that `--prefix` names. The folder can be moved: the pkg-config file finds its
 * own place. See docs/linux-libxpc.md.
 */

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import settings from "../../deno.json" with { type: "json" };
import { cc, OUT, tool, whenChanged } from "./compile.ts";
import { announce, ROOT } from "../checkout.ts";
import { LINUX, LINUX_LINK, listLibxpc } from "./sources.ts";

const VERSION = settings.version;
/** The name that programs are linked with. It changes when existing programs would no longer work. */
const SONAME = `libxpc.so.${VERSION.split(".")[0]}`;
const SHARED = `libxpc.so.${VERSION}`;

const HEADERS = new URL("c/linux/include/xpc/", ROOT);

const PKG_CONFIG = `prefix=\${pcfiledir}/../..
includedir=\${prefix}/include
libdir=\${prefix}/lib

Name: xpc
Description: Connections, objects and shared memory with Apple's XPC C API, on Linux
Version: ${VERSION}
Cflags: -I\${includedir}
Libs: -L\${libdir} -lxpc
Libs.private: -pthread
`;

/** Compiles c/linux to one object that exports only the API. */
async function compileObject(): Promise<string> {
  const sources = await listLibxpc();
  const flags = [...LINUX, "-O2", "-g", "-fPIC", "-fvisibility=hidden", "-r"];
  return await whenChanged("libxpc.o", sources, flags, async (output) => {
    await cc([...flags, ...sources, "-o", output]);
    await tool("objcopy", ["--localize-hidden", output]);
  });
}

/** Makes `name` a link to `target`, and replaces what was there. */
async function link(
  folder: string,
  name: string,
  target: string,
): Promise<void> {
  await Deno.remove(`${folder}/${name}`).catch(() => {});
  await Deno.symlink(target, `${folder}/${name}`);
}

/** Installs the library below `prefix`: `include/xpc/`, `lib/`, `lib/pkgconfig/xpc.pc`. Linux only. */
async function installLibxpc(prefix: string): Promise<void> {
  const object = await compileObject();
  const include = `${prefix}/include/xpc`, lib = `${prefix}/lib`;
  await Deno.mkdir(include, { recursive: true });
  await Deno.mkdir(`${lib}/pkgconfig`, { recursive: true });
  for await (const { name } of Deno.readDir(HEADERS)) {
    await Deno.copyFile(new URL(name, HEADERS), `${include}/${name}`);
  }
  // Written to a temporary file and renamed: a process that has mapped the old library keeps it.
  const shared = `${lib}/${SHARED}`, temporary = `${shared}.tmp`;
  await cc([
    "-shared",
    object,
    "-o",
    temporary,
    `-Wl,-soname,${SONAME}`,
    ...LINUX_LINK,
    "-pthread",
  ]);
  await Deno.rename(temporary, shared);
  await link(lib, SONAME, SHARED);
  await link(lib, "libxpc.so", SONAME);
  await Deno.remove(`${lib}/libxpc.a`).catch(() => {});
  await tool("ar", ["rcs", `${lib}/libxpc.a`, object]);
  await Deno.writeTextFile(`${lib}/pkgconfig/xpc.pc`, PKG_CONFIG);
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { prefix: { type: "string" } } });
  if (Deno.build.os !== "linux") {
    announce("Cannot build libxpc: it is for Linux; macOS has Apple's.");
    Deno.exit(1);
  }
  const prefix = values.prefix ?? fileURLToPath(new URL("libxpc", OUT));
  await installLibxpc(prefix);
  announce(`libxpc ${VERSION} is in ${prefix}`);
}

/**
 * `deno task build:libxpc`: our libxpc as a library of its own, with its
 * headers and a pkg-config file, in `c/out/<system>-<arch>/libxpc/`, and in a
 * prefix of yours with `--prefix`. It may be moved afterwards: the pkg-config
 * file knows its place by itself. See docs/linux-libxpc.md.
 */

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import settings from "../../deno.json" with { type: "json" };
import { announce, cc, OUT, tool, whenChanged } from "./compile.ts";
import { LINUX, LINUX_LINK, listC, ROOT } from "./sources.ts";

const VERSION = settings.version;
/** Programs are bound to it: it changes when they would no longer work. */
const SONAME = `libxpc.so.${VERSION.split(".")[0]}`;
const SHARED = `libxpc.so.${VERSION}`;

const HEADERS = ["xpc.h", "connection.h", "linux.h"];

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

/** All of c/linux in one object, of which only the API is seen from outside. */
async function compileObject(): Promise<string> {
  const sources = await listC("linux/");
  const flags = [...LINUX, "-O2", "-g", "-fPIC", "-fvisibility=hidden", "-r"];
  return await whenChanged("libxpc.o", sources, flags, async (output) => {
    await cc([...flags, ...sources, "-o", output]);
    await tool("objcopy", ["--localize-hidden", output]);
  });
}

/** Makes `name` a link to `target`, whatever was there. */
async function link(
  folder: string,
  name: string,
  target: string,
): Promise<void> {
  await Deno.remove(`${folder}/${name}`).catch(() => {});
  await Deno.symlink(target, `${folder}/${name}`);
}

/** Installs the library below `prefix`: `include/xpc/`, `lib/`, `lib/pkgconfig/xpc.pc`. Linux only. */
export async function installLibxpc(prefix: string): Promise<void> {
  const object = await compileObject();
  const include = `${prefix}/include/xpc`, lib = `${prefix}/lib`;
  await Deno.mkdir(include, { recursive: true });
  await Deno.mkdir(`${lib}/pkgconfig`, { recursive: true });
  for (const header of HEADERS) {
    await Deno.copyFile(
      new URL(`c/linux/include/xpc/${header}`, ROOT),
      `${include}/${header}`,
    );
  }
  // Beside, then renamed: a process may have the old one mapped.
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

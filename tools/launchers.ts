/**
 * Writes the launchers of dev mode, `.streamlib/bin/streamlib` and
 * `.streamlib/bin/streamlib-broker`: the command line and the broker of this
 * checkout, from any working directory. `deno task build` calls this.
 *
 * A launcher finds its checkout by its own path, also through links, so a
 * checkout can be moved.
 */

import { ROOT } from "./checkout.ts";

/** Each launcher: its name, its program, and the program's permission set in `deno.json`. */
const LAUNCHERS = [
  { name: "streamlib", program: "cli/main.ts", permissions: "cli" },
  {
    name: "streamlib-broker",
    program: "broker/main.ts",
    permissions: "broker",
  },
] as const;

/** Writes the launchers that have changed.
 *
 * @param checkout the folder for which they are
 * @param deno the path of the Deno that they start; if it is gone, they start `deno` */
export async function writeLaunchers(
  checkout: URL = ROOT,
  deno: string = Deno.execPath(),
): Promise<void> {
  // The home of dev mode, in which other users may not write.
  const bin = new URL(".streamlib/bin/", checkout);
  await Deno.mkdir(bin, { recursive: true, mode: 0o700 });
  for (const launcher of LAUNCHERS) {
    const file = new URL(launcher.name, bin);
    const text = launcherText(launcher, deno);
    if (await Deno.readTextFile(file).catch(() => "") === text) continue;
    // Renamed, because somebody may run it at this moment.
    const next = new URL(`${launcher.name}.${Deno.pid}`, bin);
    await Deno.writeTextFile(next, text, { mode: 0o755 });
    await Deno.rename(next, file);
  }
}

function launcherText(
  { name, program, permissions }: (typeof LAUNCHERS)[number],
  deno: string,
): string {
  return `#!/bin/sh
# ${name} of this checkout, in dev mode. Written by \`deno task build\`.
self=$0
while [ -L "$self" ]; do
  target=$(readlink "$self")
  case $target in
    /*) self=$target ;;
    *) self=$(dirname "$self")/$target ;;
  esac
done
checkout=$(CDPATH='' cd "$(dirname "$self")/../.." && pwd -P) || exit 1
deno=${shellQuoted(deno)}
if [ ! -x "$deno" ]; then
  deno=$(command -v deno) || {
    echo "${name}: Cannot find Deno: neither ${
    deno.replace(/["$\\`]/g, "\\$&")
  } nor deno on the PATH exists; install Deno, and run: deno task build" >&2
    exit 127
  }
fi
STREAMLIB_DEV_MODE=\${STREAMLIB_DEV_MODE:-1}
export STREAMLIB_DEV_MODE
exec "$deno" run --quiet --no-prompt --config "$checkout/deno.json" \\
  -P=${permissions} "$checkout/${program}" "$@"
`;
}

/** Text as one word of the shell. */
function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

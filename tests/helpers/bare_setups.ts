/**
 * Set-ups of a process in which nothing can be kept in the usual places, and a
 * comparison of all files before and after a program.
 */

import { assertEquals } from "@std/assert";
import { type Ended, onlyVariables, run } from "./child.ts";

/** The folders of a set-up. */
interface SetupFolders {
  /** An empty folder, all of which is compared. */
  readonly root: string;
  /** Deno's cache, which alone may change. */
  readonly denoDir: string;
}

/** A set-up: the variables of the process, and what is special about its folders. */
export interface BareSetup {
  readonly name: string;
  readonly variables: (root: string) => Record<string, string>;
  /** Everything but Deno's cache is mounted read-only. */
  readonly readOnly?: true;
}

/** The set-ups. A folder of a variable is `home`, `run` or `config` of the root. */
export const BARE_SETUPS: readonly BareSetup[] = [
  { name: "no variable is set", variables: () => ({}) },
  {
    name: "everything is mounted read-only",
    variables: (root) => ({ HOME: `${root}/home` }),
    readOnly: true,
  },
  {
    name: "HOME and XDG_RUNTIME_DIR are as at a login",
    variables: (root) => ({
      HOME: `${root}/home`,
      XDG_RUNTIME_DIR: `${root}/run`,
    }),
  },
  {
    name: "HOME cannot be written to",
    // Root may write anywhere but there.
    variables: () => ({ HOME: "/proc/self" }),
  },
  {
    name: "STREAMLIB_HOME has 120 bytes",
    variables: (root) => ({
      STREAMLIB_HOME: `${root}/home/`.padEnd(120, "h"),
    }),
  },
  {
    name: "STREAMLIB_HOME is relative",
    variables: (root) => ({
      HOME: `${root}/home`,
      STREAMLIB_HOME: "home/streamlib",
    }),
  },
  {
    name: "XDG_RUNTIME_DIR is shared",
    variables: (root) => ({
      HOME: `${root}/home`,
      XDG_RUNTIME_DIR: `${root}/shared`,
    }),
  },
];

/** The first two, which the quick tests run. */
export const SAMPLED_SETUPS: readonly BareSetup[] = BARE_SETUPS.slice(0, 2);

/** Why this machine cannot mount everything read-only; `undefined` if it can. */
export async function noReadOnlyRoot(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "macOS has no mount namespaces";
  try {
    const { code, stderr } = await run("unshare", {
      args: ["--user", "--map-root-user", "--mount", "true"],
    });
    if (code === 0) return undefined;
    return stderr.trim() || `unshare has failed with exit code ${code}`;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * Remounts everything read-only, except the folder $1 and the kernel's own file
 * systems, and runs the rest of the arguments.
 */
const READ_ONLY = `
set -e
mount --bind "$1" "$1"
kept=$1
shift
while read -r _ place type _; do
  case $type in proc|sysfs|cgroup*|devpts|mqueue|securityfs) continue;; esac
  [ "$place" = "$kept" ] || mount -o remount,bind,ro "$place" 2>/dev/null || true
done < /proc/mounts
for place in "$kept/.." /dev/shm /tmp; do
  if touch "$place/streamlib-written" 2>/dev/null; then
    rm "$place/streamlib-written"
    echo "$place can still be written to" >&2
    exit 99
  fi
done
exec "$@"
`;

/**
 * Runs Deno in a set-up, and asserts that afterwards each file and folder below
 * the root is as it was, with its time, except Deno's cache.
 *
 * @param cwd below the root
 * @param variables besides those of the set-up
 */
export async function leavesNoFile(
  setup: BareSetup,
  { root, denoDir }: SetupFolders,
  cwd: string,
  variables: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<Ended> {
  for (const name of ["home", "run", "shared"]) {
    Deno.mkdirSync(`${root}/${name}`, { recursive: true, mode: 0o700 });
  }
  Deno.chmodSync(`${root}/shared`, 0o777);
  const before = contentOf(root, denoDir);
  const [program = "", ...rest] = [
    ...(setup.readOnly
      ? [
        ...["unshare", "--user", "--map-root-user", "--mount"],
        ...["sh", "-c", READ_ONLY, "sh", denoDir],
      ]
      : []),
    Deno.execPath(),
    ...args,
  ];
  const ended = await run(program, {
    args: rest,
    cwd,
    ...onlyVariables({
      PATH: "/usr/bin:/bin:/usr/sbin:/sbin",
      DENO_DIR: denoDir,
      DENO_NO_UPDATE_CHECK: "1",
      NO_COLOR: "1",
      ...variables,
      ...setup.variables(root),
    }),
  });
  assertEquals(contentOf(root, denoDir), before, ended.stderr);
  return ended;
}

/** What is at each path below a folder, except below one. */
function contentOf(folder: string, except: string): Record<string, string> {
  const found: Record<string, string> = {};
  const look = (path: string): void => {
    const info = Deno.lstatSync(path);
    const mode = (info.mode ?? 0).toString(8);
    found[path] = `${mode} ${info.size} ${info.mtime?.getTime()}`;
    if (!info.isDirectory || path === except) return;
    for (const { name } of Deno.readDirSync(path)) look(`${path}/${name}`);
  };
  look(folder);
  delete found[except];
  return found;
}

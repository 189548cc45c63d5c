/**
 * A separate STREAMLIB_HOME for a test, so that a test finds only its own
 * broker.
 */

/** A home that is removed with its scope. */
interface IsolatedHome extends Disposable {
  /** The directory. */
  readonly path: string;
  /** The directory of its sockets. */
  readonly runDirectory: string;
}

/**
 * Makes a folder for the homes of users, and returns its real path. It is short
 * on every system: the path of a socket below a home has at most 103 bytes, and
 * that of macOS's temporary folder has almost 60.
 */
export function folderForHomes(): string {
  return Deno.realPathSync(Deno.makeTempDirSync({ dir: "/tmp" }));
}

const ISOLATED = [
  "STREAMLIB_HOME",
  "STREAMLIB_BROKER_XPC_SERVICE",
  "STREAMLIB_BROKER_ENDPOINT",
];

/** Sets STREAMLIB_HOME to a new directory, and unsets the variables that would name another place. The shim reads it too. */
export function isolatedHome(): IsolatedHome {
  // Short, because a socket's path has at most 103 bytes, and the temporary directory on macOS takes half of them.
  const path = Deno.makeTempDirSync({ prefix: "sl" });
  const before = ISOLATED.map((name) => [name, Deno.env.get(name)] as const);
  for (const name of ISOLATED) Deno.env.delete(name);
  Deno.env.set("STREAMLIB_HOME", path);
  return {
    path,
    runDirectory: `${path}/run`,
    [Symbol.dispose]: () => {
      for (const [name, value] of before) {
        if (value === undefined) Deno.env.delete(name);
        else Deno.env.set(name, value);
      }
      Deno.removeSync(path, { recursive: true });
    },
  };
}

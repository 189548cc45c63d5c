/**
 * A STREAMLIB_HOME of its own for a test, so that tests meet no broker but
 * their own.
 */

/** A home that goes away with its scope. */
export interface IsolatedHome extends Disposable {
  /** The directory. */
  readonly path: string;
  /** Where its sockets are. */
  readonly runDirectory: string;
}

const ISOLATED = [
  "STREAMLIB_HOME",
  "STREAMLIB_BROKER_XPC_SERVICE",
  "STREAMLIB_BROKER_ENDPOINT",
];

/** Sets STREAMLIB_HOME to a fresh directory, and unsets what would lead elsewhere. The shim reads it too. */
export function isolatedHome(): IsolatedHome {
  // Short: a socket's path has 103 bytes at most, and a Mac's temporary directory half of them.
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

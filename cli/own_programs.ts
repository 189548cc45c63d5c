/**
 * The programs of this package that the command line runs beside itself, in
 * processes of their own: it has no ffi, and they have.
 *
 * @module
 */

/** One of them. */
export interface OwnProgram {
  readonly module: URL;
  /** What it may do, as Deno's flags. */
  readonly permissions: readonly string[];
}

/** What a Deno needs of its environment to start another. */
const ENVIRONMENT = [
  "DENO_DIR",
  "HOME",
  "JSR_URL",
  "LANG",
  "LC_ALL",
  "NO_COLOR",
  "NPM_CONFIG_REGISTRY",
  "STREAMLIB_*",
  "TERM",
  "TMPDIR",
  "TZ",
  "XDG_*",
];

/**
 * The probe of `broker doctor`.
 *
 * @param home where the package's shim is kept, below
 * @param deno the program that its child runs
 */
export function probeProgram(home: string, deno: string): OwnProgram {
  const kept = escaped(`${home}/lib`);
  const built = new URL("../c/out", import.meta.url);
  const read = built.protocol === "file:"
    ? `${kept},${escaped(decodeURIComponent(built.pathname))}`
    : kept;
  return {
    module: new URL("./doctor/probe/main.ts", import.meta.url),
    permissions: [
      "--allow-ffi",
      `--allow-run=${escaped(deno)}`,
      `--allow-env=${ENVIRONMENT.join(",")}`,
      `--allow-read=${read}`,
      `--allow-write=${kept}`,
    ],
  };
}

/** The demo, with what `deno task demo` gives it. */
export function demoProgram(): OwnProgram {
  return {
    module: new URL("../demo/main.ts", import.meta.url),
    permissions: [
      "--allow-ffi",
      "--allow-run",
      "--allow-read",
      "--allow-write",
      "--allow-env",
      "--allow-sys=uid",
      "--allow-net=127.0.0.1",
    ],
  };
}

/** The arguments of a Deno that runs one of them. */
export function argumentsFor(
  { module, permissions }: OwnProgram,
  args: readonly string[] = [],
): string[] {
  return [
    "run",
    "--quiet",
    "--no-prompt",
    "--no-lock",
    ...permissions,
    module.href,
    ...args,
  ];
}

/** A path in a list of paths: Deno's own escape. */
function escaped(path: string): string {
  return path.replaceAll(",", ",,");
}

/**
 * Never called. By it the programs, and the processors that they have run in
 * processes of their own, belong to this module's graph, so that Deno has them
 * by the time that they are run: nothing is downloaded then.
 */
export const importOwnPrograms = (): Promise<unknown[]> =>
  Promise.all([
    import("../demo/filter/edges.ts"),
    import("../demo/main.ts"),
    import("./doctor/probe/inverter.ts"),
    import("./doctor/probe/main.ts"),
  ]);

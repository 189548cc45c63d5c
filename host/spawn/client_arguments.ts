/**
 * The command line of the client's Deno: its permissions, its project, and the
 * module that it runs.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import { JAVASCRIPT_URL, modulesBeside } from "./beside_module.ts";
import { givenPath } from "./paths.ts";

/**
 * Permissions of the client, beyond those that the bridge needs (ffi, and the
 * environment variables that name its connection). Default: none. `true` permits
 * everything of a kind; a list permits its entries, as Deno's flags do.
 *
 * These permissions guard against accidents and limit what a processor reaches
 * through Deno. They do not protect against hostile native code: a process with
 * ffi can do what its user can. With the option `confine`, and for a client in
 * Python, the kernel enforces them in native code too: see docs/confinement.md.
 */
export interface ClientPermissions {
  /** Files and folders to read. A relative path starts at the host's working directory when it launches. */
  readonly read?: true | readonly (string | URL)[];
  /** Files and folders to write. */
  readonly write?: true | readonly (string | URL)[];
  /** Addresses to connect to or listen on. */
  readonly net?: true | readonly string[];
  /** Environment variables to read and set. */
  readonly env?: true | readonly string[];
  /** Programs to run: a path, or a name that is searched for in PATH. */
  readonly run?: true | readonly (string | URL)[];
  /** Names of the system information to read. */
  readonly sys?: true | readonly string[];
  /** Hosts to import code from. */
  readonly import?: true | readonly string[];
}

const KINDS: readonly (keyof ClientPermissions)[] = [
  "read",
  "write",
  "net",
  "env",
  "run",
  "sys",
  "import",
];

const FIRST_WORDS = "import { runClient } from ";
/** The start of the URL of the client's first module, as long as a stack shows it of a `data:` URL. */
export const FIRST_MODULE_START: string = JAVASCRIPT_URL +
  encodeURIComponent(FIRST_WORDS).slice(0, 20);

/** What the command line is made from. */
export interface ArgumentOptions {
  /** The processor's module. */
  readonly module: URL;
  /** The client's name in what it writes; see `clientName`. */
  readonly name: string;
  /** The module that runs it: `client/runner.ts`. */
  readonly runner: URL;
  /** The module whose `GrpcClient` carries the control calls; `undefined` if XPC does. */
  readonly grpcClient: URL | undefined;
  /** With absolute paths, as {@link absolutePermissions} returns them. */
  readonly permissions: ClientPermissions;
  /** The path of the `deno.json` that the user chose; `undefined` for the one that Deno finds. */
  readonly config: string | undefined;
  /** Where a debugger can connect, as {@link inspectorAddress} returns it. */
  readonly inspect: string | undefined;
}

/** An address of this machine, as a debugger's listener has it. */
const LOOPBACK = /^(127\.0\.0\.1|\[::1\]|localhost):(\d{1,5})$/;

/**
 * Returns where a debugger can connect: an address of this machine, with port 0
 * for one that is free; `undefined` if none can. Whoever can connect there can run
 * code in the client, so that other addresses are `bad_argument`.
 */
export function inspectorAddress(
  inspect: boolean | string | undefined,
): string | undefined {
  if (inspect === undefined || inspect === false) return undefined;
  if (inspect === true) return "127.0.0.1:0";
  const port = Number(LOOPBACK.exec(inspect)?.[2] ?? NaN);
  if (port < 2 ** 16) return inspect;
  throw new BridgeError(
    "bad_argument",
    `Cannot launch with inspect ${
      JSON.stringify(inspect)
    }: it must be true or an address of this machine, such as "127.0.0.1:9229"`,
  );
}

/** The lock file that a client is started with. */
export interface ClientLock {
  readonly path: string;
  /** Whether Deno may add to it. Else it is the project's own, and what is missing in it is an error. */
  readonly isCopy: boolean;
}

/** The environment variables that grpc-js reads when it is loaded. */
const GRPC_VARIABLES = ["GRPC_*", "NODE_*"] as const;

/** Returns the permissions with paths that mean the same in every folder. Throws `bad_argument` if an entry is not valid. */
export function absolutePermissions(
  permissions: ClientPermissions,
  folder: string | undefined,
): ClientPermissions {
  checkForms(permissions);
  const paths = (
    kind: "read" | "write" | "run",
  ): true | readonly string[] | undefined => {
    const given = permissions[kind];
    if (given === undefined || given === true) return given;
    return given.map((entry) => {
      if (entry === "") throw emptyEntry(kind);
      const isName = kind === "run" && typeof entry === "string" &&
        !entry.includes("/");
      return givenPath(
        entry,
        `permission ${kind}`,
        isName ? undefined : folder,
      );
    });
  };
  const [read, write, run] = [paths("read"), paths("write"), paths("run")];
  return {
    ...permissions,
    ...(read && { read }),
    ...(write && { write }),
    ...(run && { run }),
  };
}

/** Checks what a caller without types can have wrong: the kinds, and that each is `true` or a list of texts and URLs. */
function checkForms(permissions: ClientPermissions): void {
  for (const [kind, given] of Object.entries(permissions)) {
    if (!KINDS.includes(kind as keyof ClientPermissions)) {
      throw new BridgeError(
        "bad_argument",
        `Cannot permit '${kind}': the kinds are ${KINDS.join(", ")}`,
      );
    }
    const isList = Array.isArray(given) &&
      given.every((entry) => typeof entry === "string" || entry instanceof URL);
    if (given === undefined || given === true || isList) continue;
    throw new BridgeError(
      "bad_argument",
      `Cannot permit '${kind}': it is neither true nor a list of texts; ` +
        "leave it out to permit nothing",
    );
  }
}

/**
 * Returns the arguments of the client's Deno.
 *
 * @param bridgeEnv the variables that name the connection
 * @param userEnv the names of the variables that the user gave
 */
export function clientArguments(
  options: ArgumentOptions,
  bridgeEnv: Readonly<Record<string, string>>,
  userEnv: readonly string[],
  lock: ClientLock | undefined,
): string[] {
  const { permissions, config } = options;
  const env = permissions.env === true ? true : [
    ...Object.keys(bridgeEnv),
    "STREAMLIB_LIBRARY",
    ...userEnv,
    ...(permissions.env ?? []),
  ];
  const grpc = options.grpcClient && grpcNeeds(bridgeEnv);
  return [
    "run",
    // With --quiet Deno does not print the debugger's address.
    options.inspect === undefined ? "--quiet" : `--inspect=${options.inspect}`,
    "--no-prompt",
    ...(lock === undefined
      ? ["--no-lock"]
      : [`--lock=${lock.path}`, `--frozen=${!lock.isCopy}`]),
    ...(config === undefined ? [] : ["--config", config]),
    "--allow-ffi",
    ...flag("env", grpc ? joined(env, grpc.env) : env),
    ...flag("read", joined(permissions.read, grpc?.paths)),
    ...flag("write", joined(permissions.write, grpc?.paths)),
    ...flag("net", joined(permissions.net, grpc?.net)),
    ...flag("run", permissions.run),
    ...flag("sys", permissions.sys),
    ...flag("import", permissions.import),
    ...programs(options, lock?.isCopy ? lock.path : undefined),
  ];
}

/** Returns the modules of the command line, and the program's arguments: the client's name, and the copy of the lock file, which it removes if its host cannot. The runner never returns. */
function programs(
  options: ArgumentOptions,
  copy: string | undefined,
): string[] {
  return [
    ...modulesBeside(options.module, runnerCode(options)),
    options.name,
    ...(copy === undefined ? [] : [copy]),
  ];
}

/** Returns the code that runs the client; the user's module is evaluated when the runner imports it. */
function runnerCode({ runner, module, grpcClient }: ArgumentOptions): string {
  const literal = (url: URL): string => JSON.stringify(url.href);
  const openGrpc = grpcClient === undefined
    ? ""
    : `, openGrpc: async (address) => new (await import(${
      literal(grpcClient)
    })).GrpcClient(address)`;
  return `${FIRST_WORDS}${literal(runner)};\n` +
    `await runClient(() => import(${literal(module)}), ` +
    `{ followsHost: true, name: Deno.args[0], lock: Deno.args[1]${openGrpc} });\n`;
}

/** Returns the further permissions of a client that uses gRPC: they reach only the broker's address. */
function grpcNeeds(bridgeEnv: Readonly<Record<string, string>>): {
  readonly env: readonly string[];
  readonly paths: readonly string[];
  readonly net: readonly string[];
} {
  const address = bridgeEnv["STREAMLIB_BROKER_ENDPOINT"] ?? "";
  return {
    env: GRPC_VARIABLES,
    paths: address.startsWith("unix:") ? [address.slice("unix:".length)] : [],
    net: [address],
  };
}

/** Joins two lists of permissions. */
function joined<T>(
  given: true | readonly T[] | undefined,
  more: readonly T[] = [],
): true | readonly T[] {
  return given === true ? true : [...(given ?? []), ...more];
}

function flag(
  kind: string,
  value: true | readonly (string | URL)[] | undefined,
): string[] {
  if (value === undefined) return [];
  if (value === true) return [`--allow-${kind}`];
  if (value.length === 0) return [];
  const items = value.map((item) => {
    if (item === "") throw emptyEntry(kind);
    return String(item).replaceAll(",", ",,"); // Deno's own escape
  });
  return [`--allow-${kind}=${items.join(",")}`];
}

function emptyEntry(kind: string): BridgeError {
  return new BridgeError(
    "bad_argument",
    `Cannot permit '${kind}': an empty entry would permit everything`,
  );
}

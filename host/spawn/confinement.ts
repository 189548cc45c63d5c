/**
 * Confinement of a client by the kernel: its permissions become the arguments of a
 * launcher, which gives up all other rights and then runs the client's program. On
 * Linux, by Landlock and seccomp; see docs/confinement.md.
 *
 * No permission is ignored. One that the kernel cannot enforce is refused, with the
 * reason.
 *
 * @module
 */

import { Native } from "../../ffi/native.ts";
import { BridgeError } from "../../proto/errors.ts";
import type { ClientPermissions } from "./client_arguments.ts";
import type { ClientLine, LaunchPlace, SpawnOptions } from "./client_kind.ts";
import { isPythonModule } from "./python/find_python.ts";

/** What a client needs of the system, whatever its permissions. */
export interface ConfinementNeeds {
  /** What runs the client. Deno itself enforces the permissions `env` and `sys`. */
  readonly runtime: "deno" | "python";
  /** The path of the shim in a file, which is the launcher too. */
  readonly library: string;
  /** Files, and folders with all that is in them, that it reads. They must be there. */
  readonly reads: readonly string[];
  /** The same, of which each may be missing. */
  readonly mayRead?: readonly string[];
  /** Files and folders that it writes, of which each may be missing. */
  readonly mayWrite?: readonly string[];
  /** The most private memory, in bytes; `undefined` for no limit. */
  readonly memory?: number | undefined;
  /**
   * The folder of services, if the client's broker is found by a socket in it;
   * `undefined` if it is in a bootstrap, whose channel the client inherits.
   */
  readonly services?: string | undefined;
}

/** What a confinement asks of this system. */
export interface ConfinementSystem {
  /** The version of Landlock, 1 or more. Throws `not_permitted` if clients cannot be confined. */
  version(): number;
  /** Returns the path of a program in PATH; `undefined` if there is none. */
  findProgram(name: string): string | undefined;
}

/**
 * What every program reads: the software of the system, which each user may read, and
 * the few files that say how it is configured and how large the machine is.
 *
 * Not all of /etc and /proc: they tell of other programs and users.
 */
export const SYSTEM_READS: readonly string[] = [
  "/usr",
  "/bin",
  "/sbin",
  "/lib",
  "/lib32",
  "/lib64",
  "/nix/store",
  "/gnu/store",
  "/etc/alternatives",
  "/etc/ca-certificates",
  "/etc/crypto-policies",
  "/etc/debian_version",
  "/etc/fonts",
  "/etc/group",
  "/etc/ld.so.cache",
  "/etc/ld.so.conf",
  "/etc/ld.so.conf.d",
  "/etc/ld.so.preload",
  "/etc/locale.alias",
  "/etc/localtime",
  "/etc/mime.types",
  "/etc/nsswitch.conf",
  "/etc/os-release",
  "/etc/passwd",
  "/etc/pki/ca-trust",
  "/etc/pki/tls/certs",
  "/etc/pki/tls/openssl.cnf",
  "/etc/python3",
  "/etc/ssl/certs",
  "/etc/ssl/openssl.cnf",
  "/etc/timezone",
  "/dev/full",
  "/dev/null",
  "/dev/random",
  "/dev/urandom",
  "/dev/zero",
  "/proc/cpuinfo",
  "/proc/filesystems",
  "/proc/loadavg",
  "/proc/meminfo",
  "/proc/stat",
  "/proc/sys/kernel/cap_last_cap",
  "/proc/sys/kernel/osrelease",
  "/proc/sys/kernel/random",
  "/proc/sys/vm/max_map_count",
  "/proc/sys/vm/overcommit_memory",
  "/proc/uptime",
  "/proc/version",
  "/sys/devices/system/cpu",
  "/sys/devices/system/node",
  "/sys/fs/cgroup",
  "/sys/kernel/mm/transparent_hugepage",
];

/** What programs read besides to find hosts by their names. */
const NETWORK_READS: readonly string[] = [
  "/etc/gai.conf",
  "/etc/host.conf",
  "/etc/hosts",
  "/etc/protocols",
  "/etc/resolv.conf",
  "/etc/services",
  "/run/systemd/resolve",
];

/** What every program may write: it keeps nothing. */
const SYSTEM_WRITES: readonly string[] = [
  "/dev/null",
  "/dev/zero",
  "/dev/full",
];

/** A TCP port of every host. */
const PORT = /^\*?:(\d{1,5})$/;

/**
 * Checks that a client can be confined to these permissions on this system.
 *
 * @param permissions with absolute paths; `undefined` if the user gave none: then
 * nothing confines the client. No permissions, `{}`, is a confinement
 * @throws {BridgeError} `not_permitted` if the system cannot confine a client, or
 * cannot enforce one of the permissions; `bad_argument` if one is wrong
 */
export function checkEnforceable(
  permissions: ClientPermissions | undefined,
  runtime: ConfinementNeeds["runtime"],
  system: ConfinementSystem,
): void {
  if (permissions === undefined) return;
  permitted(permissions, runtime, system);
}

/**
 * Checks the limit of memory: only the launcher sets it.
 *
 * @throws {BridgeError} `bad_argument` if nothing would enforce it, or it is no limit
 */
export function checkLimit(
  { memoryLimit, confine, permissions, module }: Pick<
    SpawnOptions,
    "memoryLimit" | "confine" | "permissions" | "module"
  >,
): void {
  if (memoryLimit === undefined) return;
  bytes(memoryLimit);
  if (confine || (isPythonModule(module) && permissions !== undefined)) return;
  throw new BridgeError(
    "bad_argument",
    "Cannot limit the memory of a client that is not confined: launch it with confine: true",
  );
}

/**
 * Returns the command that runs a client with no more than these permissions.
 *
 * @throws {BridgeError} as {@link checkEnforceable}
 */
export function confined(
  command: ClientLine,
  permissions: ClientPermissions | undefined,
  needs: ConfinementNeeds,
  system: ConfinementSystem,
): ClientLine {
  if (permissions === undefined) return command;
  const args = [
    ...permitted(permissions, needs.runtime, system),
    ...each("maybe-read", SYSTEM_READS),
    ...each("maybe-read", needs.mayRead),
    ...each("read", needs.reads),
    ...each("maybe-write", SYSTEM_WRITES),
    ...each("maybe-write", needs.mayWrite),
    ...(needs.services === undefined
      ? []
      : ["seqpacket", `maybe-read=${needs.services}`]),
    ...(needs.memory === undefined ? [] : [`data=${bytes(needs.memory)}`]),
  ];
  return {
    ...command,
    program: needs.library,
    args: [...new Set(args), "--", command.program, ...command.args],
  };
}

/** The launcher's arguments for what the user permits. */
function permitted(
  permissions: ClientPermissions,
  runtime: ConfinementNeeds["runtime"],
  system: ConfinementSystem,
): string[] {
  const version = system.version();
  checkKept(permissions, runtime);
  return [
    ...paths("read", permissions.read),
    ...paths("write", permissions.write),
    ...programs(permissions.run, system),
    ...network(permissions.net, version),
  ];
}

/** Refuses the kinds that neither the kernel nor the runtime enforces. */
function checkKept(
  { env, sys, import: imports, net }: ClientPermissions,
  runtime: ConfinementNeeds["runtime"],
): void {
  if (runtime === "python") {
    refuseKind(
      "env",
      env,
      "a program can read all of its own environment; the host chooses what is in it, " +
        "with the option `env`",
    );
    refuseKind(
      "sys",
      sys,
      "the kernel does not tell it apart from other questions; a client in Python may ask what the system answers",
    );
    refuseKind(
      "import",
      imports,
      "Python imports files; permit their folder with `read`",
    );
    return;
  }
  if (net === true) return;
  refuseKind(
    "import",
    imports,
    "the kernel knows ports, not hosts; load the modules before, with `deno cache`, or permit net: true",
  );
}

function refuseKind(
  kind: keyof ClientPermissions,
  given: true | readonly unknown[] | undefined,
  why: string,
): void {
  if (given === undefined || (given !== true && given.length === 0)) return;
  throw refused(`the permission '${kind}'`, why);
}

/** "/" stands for everything. */
function paths(
  kind: "read" | "write" | "execute",
  given: true | readonly (string | URL)[] | undefined,
): string[] {
  if (given === true) return [`${kind}=/`];
  return (given ?? []).map((path) => {
    if (typeof path === "string" && path.startsWith("/")) {
      return `${kind}=${path}`;
    }
    throw new BridgeError(
      "bad_argument",
      `Cannot confine a client: ${path} is no absolute path, and the working directory is not known`,
    );
  });
}

function programs(
  given: ClientPermissions["run"],
  system: ConfinementSystem,
): string[] {
  if (given === true || given === undefined) return paths("execute", given);
  return paths(
    "execute",
    given.map((program) => {
      if (typeof program !== "string" || program.includes("/")) return program;
      const path = system.findProgram(program);
      if (path !== undefined) return path;
      throw new BridgeError(
        "bad_argument",
        `Cannot permit 'run' of ${
          JSON.stringify(program)
        }: there is no such program in PATH; give its path`,
      );
    }),
  );
}

function network(given: ClientPermissions["net"], version: number): string[] {
  if (given === undefined) return [];
  if (given === true) return ["net", ...each("maybe-read", NETWORK_READS)];
  const ports = given.map((address) => {
    const port = Number(PORT.exec(address)?.[1] ?? NaN);
    if (port < 2 ** 16) return `tcp=${port}`;
    throw refused(
      `the network address ${JSON.stringify(address)}`,
      'the kernel knows ports, not hosts; permit ":443" for TCP port 443 of every host, or net: true',
    );
  });
  if (ports.length > 0 && version < 4) {
    throw refused(
      "single ports",
      "this kernel cannot: Linux 6.7 or later is needed; permit net: true, or nothing",
    );
  }
  return ports.length === 0
    ? []
    : [...ports, ...each("maybe-read", NETWORK_READS)];
}

function each(name: string, values: readonly string[] = []): string[] {
  return values.map((value) => `${name}=${value}`);
}

function bytes(memory: number): number {
  if (Number.isSafeInteger(memory) && memory > 0) return memory;
  throw new BridgeError(
    "bad_argument",
    `Cannot limit a client's memory to ${memory}: it must be a whole number of bytes`,
  );
}

function refused(what: string, why: string): BridgeError {
  return new BridgeError(
    "not_permitted",
    `Cannot confine a client to ${what}: ${why}`,
  );
}

/** Returns this system, with the PATH of the client. */
export function confinementSystem(
  { variable }: Pick<LaunchPlace, "variable">,
): ConfinementSystem {
  return {
    version: landlockVersion,
    findProgram: (name) => findIn(variable("PATH"), name),
  };
}

function landlockVersion(): number {
  using native = Native.open();
  const version = native.symbols.slb_confinement();
  if (version > 0) return version;
  throw new BridgeError(
    "not_permitted",
    `${native.lastError()}; leave out permissions of a module in Python, and confine, to run the client with all rights of this user`,
  );
}

function findIn(path: string | undefined, name: string): string | undefined {
  for (const folder of (path ?? "").split(":")) {
    const program = `${folder}/${name}`;
    if (folder.startsWith("/") && isProgram(program)) return program;
  }
  return undefined;
}

function isProgram(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch {
    return false; // it is not there, or this process may not look
  }
}

/** The executable of the process that opens this path: in the launcher it would be the launcher. */
const RUNNING = "/proc/self/exe";

/**
 * Returns the absolute path of a client's program, which the launcher needs.
 *
 * @throws {BridgeError} `client_failed` if it is in no folder of PATH
 */
export function programPath(
  program: string,
  { variable }: Pick<LaunchPlace, "variable">,
): string {
  if (program === RUNNING) return `/proc/${Deno.pid}/exe`;
  if (program.startsWith("/")) return program;
  const path = findIn(variable("PATH"), program);
  if (path !== undefined) return path;
  throw new BridgeError(
    "client_failed",
    `Cannot start the client with ${program}: there is no such program in PATH`,
  );
}

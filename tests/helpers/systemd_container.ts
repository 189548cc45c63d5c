/**
 * A container with a real systemd and one user who is logged in, booted by
 * `systemd-nspawn`. It has this machine's `/usr`, read-only, and its network; all else
 * is its own. Needs root.
 */

import { debianPackages } from "../../tools/install/debian.ts";
import { Program } from "./checkout.ts";
import { type Ended, killTree, run } from "./child.ts";
import { soon, until } from "./soon.ts";

/** The user in the container. No user of the machine has this id. */
const UID = 54321;
const USER = "ada";
const SYSTEMD = "/usr/lib/systemd/systemd";

/** Parts of this machine's `/etc` that the programs in `/usr` need. */
const ETC = [
  "alternatives",
  "dbus-1",
  "hosts",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "login.defs",
  "nsswitch.conf",
  "os-release",
  "pam.conf",
  "pam.d",
  "resolv.conf",
  "security",
  "ssl",
];

/** Variables with which this machine's programs reach a registry. */
const NETWORK = [
  "DENO_CERT",
  "DENO_TLS_CA_STORE",
  "HTTPS_PROXY",
  "HTTP_PROXY",
  "JSR_URL",
  "NODE_EXTRA_CA_CERTS",
  "NO_PROXY",
  "NPM_CONFIG_REGISTRY",
  "SSL_CERT_DIR",
  "SSL_CERT_FILE",
];

/** Returns a program for containers: this machine's, or Debian's, unpacked. */
async function nspawn(): Promise<string> {
  const own = "/usr/bin/systemd-nspawn";
  if (await isThere(own)) return own;
  return `${await debianPackages(["systemd-container"])}usr/bin/systemd-nspawn`;
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** A container that has booted. At the end of its scope it is killed. */
export class SystemdContainer implements AsyncDisposable {
  readonly home = `/home/${USER}`;
  /** XDG_RUNTIME_DIR of the user's session. */
  readonly runtime = `/run/user/${UID}`;
  readonly #root: string;
  readonly #program: Deno.ChildProcess;
  #leader = 0;

  private constructor(root: string, program: Deno.ChildProcess) {
    this.#root = root;
    this.#program = program;
  }

  /** Boots a container. Returns the reason if this machine has no systemd, or does not let it boot one. */
  static async boot(): Promise<SystemdContainer | string> {
    if (Deno.uid() !== 0) return "needs root";
    if (!await isThere(SYSTEMD)) return "there is no systemd on this machine";
    let program: string;
    try {
      program = await nspawn();
    } catch (error) {
      return `there is no systemd-nspawn: ${(error as Error).message}`;
    }
    const root = await Deno.makeTempDir({ prefix: "streamlib-systemd-" });
    await fill(root);
    const child = new Deno.Command(program, {
      args: [
        "--quiet",
        "--boot",
        "--register=no",
        "--keep-unit",
        `--directory=${root}`,
        `--machine=streamlib-${Deno.pid}`,
        "--bind-ro=/usr",
        "--console=pipe",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const container = new SystemdContainer(root, child);
    const said = new Response(child.stderr).text();
    const failed = child.status.then(async () =>
      `systemd-nspawn: ${(await said).trim().split("\n").at(-1)}`
    );
    const booted = container.#booted().then(() => undefined);
    const reason = await soon(
      Promise.race([failed, booted]),
      "a container that boots",
    );
    if (reason === undefined) return container;
    await container[Symbol.asyncDispose]();
    return reason;
  }

  async #booted(): Promise<void> {
    await until("systemd in the container", async () => {
      this.#leader = await leaderOf(this.#program.pid);
      return this.#leader > 0;
    });
    await until(
      "the user's systemd",
      () => isThere(this.path(`${this.runtime}/systemd/private`)),
    );
  }

  /** The path, on this machine, of a path in the container. */
  path(inside: string): string {
    return `/proc/${this.#leader}/root${inside}`;
  }

  /** Copies a file or a folder of this machine into the container, as the user's own. */
  async copy(from: string, inside: string): Promise<void> {
    await succeed("cp", ["-rL", from, this.path(inside)]);
    await succeed("chown", ["-R", `${UID}:${UID}`, this.path(inside)]);
  }

  /** The arguments of `nsenter` with which the user runs a command line with exactly these variables. */
  #enter(
    line: readonly string[],
    env: Readonly<Record<string, string>>,
  ): string[] {
    return [
      ...["mount", "uts", "ipc", "net", "pid"].map((kind) => `--${kind}`),
      `--target=${this.#leader}`,
      "--",
      "setpriv",
      `--reuid=${UID}`,
      `--regid=${UID}`,
      "--clear-groups",
      "env",
      "-i",
      `--chdir=${this.home}`,
      ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
      ...line,
    ];
  }

  /** Runs a program as the user to its end. */
  run(
    line: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<Ended> {
    return run("nsenter", { args: this.#enter(line, env) });
  }

  /** Starts a program as the user. */
  start(
    line: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Program {
    return new Program(
      new Deno.Command("nsenter", {
        args: this.#enter(line, env),
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
  }

  /** The variables of a login of the user, with those that reach a registry. */
  session(): Record<string, string> {
    const network = NETWORK.map((name) => [name, Deno.env.get(name)])
      .filter(([, value]) => value !== undefined);
    return {
      HOME: this.home,
      PATH: "/usr/bin:/bin",
      NO_COLOR: "1",
      XDG_RUNTIME_DIR: this.runtime,
      ...Object.fromEntries(network),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The first process of a container: the kernel ends all others with it.
    if (this.#leader > 0) {
      try {
        Deno.kill(this.#leader, "SIGKILL");
      } catch {
        // It has ended.
      }
    }
    try {
      await soon(this.#program.status, "the container's end");
    } catch (error) {
      await killTree(this.#program.pid);
      throw error;
    } finally {
      await Deno.remove(this.#root, { recursive: true });
    }
  }
}

/** Writes the files of a small system whose programs are in `/usr`. */
async function fill(root: string): Promise<void> {
  for (
    const path of [
      "dev",
      `home/${USER}`,
      "etc/systemd/system",
      "proc",
      "root",
      "run",
      "sys",
      "tmp",
      "usr/lib",
      "var/lib/systemd/linger",
      "var/log",
    ]
  ) await Deno.mkdir(`${root}/${path}`, { recursive: true });
  await Deno.chmod(root, 0o755);
  // Debian has links to `/usr` for these.
  for (const name of ["bin", "sbin", "lib", "lib32", "lib64", "libx32"]) {
    const target = await Deno.readLink(`/${name}`).catch(() => undefined);
    if (target !== undefined) await Deno.symlink(target, `${root}/${name}`);
  }
  for (const name of ETC) {
    if (!await isThere(`/etc/${name}`)) continue;
    await succeed("cp", ["-aH", `/etc/${name}`, `${root}/etc/${name}`]);
  }
  // nspawn looks for it before it mounts `/usr`.
  await Deno.copyFile("/etc/os-release", `${root}/usr/lib/os-release`);
  const users = await Deno.readTextFile("/etc/passwd");
  const groups = await Deno.readTextFile("/etc/group");
  const texts = {
    passwd: `${users}${USER}:x:${UID}:${UID}::/home/${USER}:/bin/sh\n`,
    group: `${groups}${USER}:x:${UID}:\n`,
    shadow: `root:*:1::::::\n${USER}:*:1::::::\n`,
    "machine-id": "",
  };
  for (const [name, text] of Object.entries(texts)) {
    await Deno.writeTextFile(`${root}/etc/${name}`, text);
  }
  await Deno.symlink(
    "/usr/lib/systemd/system/multi-user.target",
    `${root}/etc/systemd/system/default.target`,
  );
  // The user's systemd runs without a login, as after `loginctl enable-linger`.
  await Deno.writeTextFile(`${root}/var/lib/systemd/linger/${USER}`, "");
  await Deno.chown(`${root}/home/${USER}`, UID, UID);
  await Deno.chmod(`${root}/home/${USER}`, 0o700);
}

async function succeed(program: string, args: string[]): Promise<void> {
  const { code, stderr } = await run(program, { args });
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}

/** The first process of the container of an nspawn, as this machine numbers it; 0 if it has none yet. */
async function leaderOf(nspawn: number): Promise<number> {
  const read = (path: string) => Deno.readTextFile(path).catch(() => "");
  const children = await read(`/proc/${nspawn}/task/${nspawn}/children`);
  for (const pid of children.split(" ").filter((each) => each !== "")) {
    const status = await read(`/proc/${pid}/status`);
    if (/^NSpid:\s+\d+\s+1$/m.test(status)) return Number(pid);
    const below = await leaderOf(Number(pid));
    if (below > 0) return below;
  }
  return 0;
}

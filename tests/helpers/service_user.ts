/**
 * A user with a home and a service manager. The service manager is a script,
 * first on the PATH, which really starts the installed services.
 */

import { whyStub } from "../../tools/macos/command_line_tools.ts";
import { Program } from "./checkout.ts";
import { type Ended, run } from "./child.ts";
import { folderForHomes } from "./home.ts";

const ROOT = new URL("../../", import.meta.url);
const SCRIPT = new URL("../fixtures/systemctl.py", import.meta.url);

/** Whether a Python for the script exists. True if this process may not run programs. */
export function hasPython(): boolean {
  if (Deno.permissions.querySync({ name: "run" }).state !== "granted") {
    return true;
  }
  try {
    if (whyStub("python3") !== undefined) return false;
    return new Deno.Command("python3", {
      args: ["-c", "import plistlib, socket"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync().success;
  } catch {
    return false;
  }
}

/** A user. At the end of its scope its processes are ended. */
export class ServiceUser implements AsyncDisposable {
  readonly root: string = folderForHomes();
  readonly home: string;
  /** The directory of its sockets. */
  readonly sockets: string = `${this.root}/r/streamlib`;
  readonly units: string;
  readonly env: Readonly<Record<string, string>>;
  readonly #bin: string = `${this.root}/bin`;

  /** @param home the last part of its home's path */
  constructor(home = "home") {
    this.home = `${this.root}/${home}`;
    this.units = `${this.home}/.config/systemd/user`;
    for (const path of [this.home, this.#bin, `${this.root}/r`]) {
      Deno.mkdirSync(path, { mode: 0o700 });
    }
    this.env = {
      HOME: this.home,
      XDG_RUNTIME_DIR: `${this.root}/r`,
      XDG_CONFIG_HOME: "",
      STREAMLIB_HOME: "",
      STREAMLIB_DEV_MODE: "",
      STREAMLIB_LIBRARY: "",
      STREAMLIB_BROKER_XPC_SERVICE: "",
      STREAMLIB_BROKER_ENDPOINT: "",
      DENO_DIR: Deno.env.get("DENO_DIR") ??
        `${Deno.env.get("HOME")}/.cache/deno`,
      PATH: `${this.#bin}:${Deno.env.get("PATH")}`,
      NO_COLOR: "1",
    };
  }

  /** Installs the service manager. */
  async withSystemd(): Promise<this> {
    await Deno.copyFile(SCRIPT, `${this.#bin}/systemctl`);
    await Deno.chmod(`${this.#bin}/systemctl`, 0o755);
    return this;
  }

  /** Runs `streamlib` from a checkout, by default from this one. */
  streamlib(
    line: string,
    env: Readonly<Record<string, string>> = {},
    checkout: string | URL = ROOT,
  ): Promise<Ended> {
    return run(Deno.execPath(), {
      args: [
        "run",
        "-q",
        "--no-prompt",
        "--no-check",
        "-P=cli",
        "cli/main.ts",
        ...line.split(" "),
      ],
      cwd: checkout,
      env: { ...this.env, ...env },
    });
  }

  /** Runs `streamlib`. Returns command, output and exit code as text, without the paths of this machine. */
  async transcript(line: string): Promise<string> {
    const { code, stdout, stderr } = await this.streamlib(line);
    const words = stderr.replace(/^(?=.)/gm, "! ");
    return `$ streamlib ${line}\n${stdout}${words}[${code}]\n`
      .replaceAll(this.root, "/tmp");
  }

  /** Runs the service manager's script. */
  systemctl(...args: readonly string[]): Promise<Ended> {
    return run(`${this.#bin}/systemctl`, {
      args: ["--user", ...args],
      env: { ...this.env },
    });
  }

  /** Starts a host of this checkout. */
  host(id: string): Program {
    return new Program(
      new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "-q",
          "--no-prompt",
          "--no-check",
          "--allow-ffi",
          "--allow-run",
          "--allow-env",
          "--allow-read",
          "tests/fixtures/exchanging_host.ts",
          id,
        ],
        cwd: ROOT,
        env: { ...this.env },
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
  }

  /** The files in its home, without those of the script. */
  files(): string[] {
    const found: string[] = [];
    const walk = (folder: string): void => {
      for (const { name, isDirectory } of Deno.readDirSync(folder)) {
        const path = `${folder}/${name}`;
        if (path === `${this.home}/fake-systemd`) continue;
        if (isDirectory) walk(path);
        else found.push(path.slice(this.home.length + 1));
      }
    };
    walk(this.home);
    return found.sort();
  }

  /** The process id of a service, as the script has recorded it; 0 if it does not run. */
  pidOf(service: string): number {
    const path = `${this.home}/fake-systemd/${service}.service.status`;
    return JSON.parse(Deno.readTextFileSync(path)).pid;
  }

  /** The commands that the script received, or the output of the services. */
  note(name: "calls" | "journal"): string {
    return Deno.readTextFileSync(`${this.home}/fake-systemd/${name}`);
  }

  /** From now on the script reports that the user has no systemd session. */
  loseBus(): void {
    Deno.mkdirSync(`${this.home}/fake-systemd`, { recursive: true });
    Deno.writeTextFileSync(`${this.home}/fake-systemd/no-bus`, "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const state = `${this.home}/fake-systemd`;
    try {
      Deno.removeSync(`${state}/no-bus`);
    } catch {
      // loseBus was not called.
    }
    try {
      for (const name of namesIn(state)) {
        if (name.endsWith(".socket.status")) {
          await this.systemctl("stop", name.replace(/\.status$/, ""));
        }
      }
    } finally {
      // A script that still runs sees that its state is gone, and ends with its service.
      await Deno.remove(this.root, { recursive: true });
    }
  }
}

function namesIn(directory: string): string[] {
  try {
    return Array.from(Deno.readDirSync(directory), ({ name }) => name);
  } catch {
    return [];
  }
}

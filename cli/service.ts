/**
 * The broker as a service of the user's, for the commands that install it,
 * start it and stop it.
 *
 * @module
 */

import { Installer, serviceManager } from "../launchd/installer.ts";
import { locateBroker } from "../launchd/locate.ts";
import {
  ServiceError,
  type ServiceErrorCode,
} from "../launchd/service_error.ts";
import type {
  ServiceManager,
  ServiceReport,
  ServiceState,
} from "../launchd/service_manager.ts";
import type { EnvironmentSource } from "../proto/environment.ts";
import { type Names, names } from "../proto/names.ts";
import { type Option, ValueError } from "./option.ts";
import { type Invocation, PROGRAM } from "./command.ts";
import { say, writeJson } from "./terminal/console.ts";
import { CommandError, EXIT, type ExitCode } from "./exit.ts";
import { JSON_OUTPUT } from "./options.ts";

/** Under the names of dev mode. */
export const DEV: Option<boolean> = {
  name: "dev",
  meaning: "the service of this checkout alone, under its names of dev mode",
};

/** Over what is in the way. */
export const FORCE: Option<boolean> = {
  name: "force",
  meaning:
    "write over files that streamlib did not write, and take the place of a broker that was started by hand",
};

/** A compiled broker. */
export const BINARY: Option<string> = {
  name: "binary",
  value: {
    label: "PATH",
    read: (text) => {
      if (text.startsWith("/")) return text;
      throw new ValueError("the absolute path of a compiled streamlib-broker");
    },
  },
  meaning: "install this compiled broker, not this Deno with this package",
};

/** What `--json` writes for every command of a service. */
export interface ServiceJson {
  readonly action: string;
  readonly service: string;
  readonly manager: "launchd" | "systemd";
  readonly state: ServiceState;
  readonly files: readonly string[];
}

/** What each of its fields is. */
export const SERVICE_FIELDS: Readonly<Record<keyof ServiceJson, string>> = {
  action: "what was done: the command's last word",
  service: "the name of the service",
  manager: "`launchd` or `systemd`",
  state:
    "how it is now: `absent`, `stopped`, `listening` (the first client starts the broker), `running` or `failed`",
  files: "the files that were written or removed, an array of paths",
};

/** A service, and what may be done with it. */
export interface Service {
  readonly names: Names;
  readonly manager: ServiceManager;
  readonly installer: Installer;
}

const EXITS: Partial<Record<ServiceErrorCode, ExitCode>> = {
  bad_argument: EXIT.usage,
  not_installed: EXIT.notFound,
};

/** Runs `act` with the service that is meant; its errors become the command's. */
export async function withService(
  invocation: Invocation,
  act: (service: Service) => Promise<ExitCode>,
): Promise<ExitCode> {
  try {
    return await act(serviceOf(invocation));
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const { code, message, next } = error;
    throw new CommandError(
      EXITS[code] ?? EXIT.failed,
      message,
      next.startsWith(PROGRAM) ? ofSameService(invocation, next) : next,
    );
  }
}

function serviceOf({ args, console }: Invocation): Service {
  const all = names(args.has(DEV) ? devMode(console.env) : console.env);
  checkAddress(all);
  const manager = serviceManager(all, {
    run: (...given) => console.runProgram(...given),
    userId: () => console.userId(),
    pause: (ms) => console.pause(ms, new AbortController().signal),
  });
  const installer = new Installer({
    names: all,
    manager,
    program: () =>
      locateBroker(
        all,
        (...given) => console.runProgram(...given),
        { binary: args.get(BINARY) },
      ),
    isServed: () => isServed(all.grpcSocket),
  });
  return { names: all, manager, installer };
}

/** Whatever the environment names, this checkout's own names. */
function devMode(env: EnvironmentSource): EnvironmentSource {
  return {
    get: (name) =>
      name === "STREAMLIB_DEV_MODE"
        ? "1"
        : name === "STREAMLIB_BROKER_XPC_SERVICE"
        ? undefined
        : env.get(name),
  };
}

/** A service listens where its names say: another address would be one that nobody serves. */
function checkAddress({ service, grpcAddress, grpcSocket }: Names): void {
  if (grpcAddress === `unix:${grpcSocket}`) return;
  throw new ServiceError(
    "bad_argument",
    `Cannot manage the service ${service}: STREAMLIB_BROKER_ENDPOINT is ${grpcAddress}, and a service's broker is at unix:${grpcSocket}`,
    "unset STREAMLIB_BROKER_ENDPOINT",
  );
}

async function isServed(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}

/**
 * Tells what was done: JSON, or the files, and then lines of words.
 *
 * @param outcome what the installer did; a command without one touched no file
 */
export function tell(
  { args, console: { out, err } }: Invocation,
  { names: { service }, manager }: Service,
  action: string,
  { report, files = [] }: { report: ServiceReport; files?: readonly string[] },
  words: readonly string[],
): void {
  if (args.has(JSON_OUTPUT)) {
    const done: ServiceJson = {
      action,
      service,
      manager: manager.kind,
      state: report.state,
      files,
    };
    writeJson(out, done);
    return;
  }
  for (const file of files) say(out, file);
  for (const line of words) say(err, line);
}

/** A command line, for the service of the one that is run now. */
export function ofSameService({ args }: Invocation, line: string): string {
  return args.has(DEV) ? `${line} --dev` : line;
}

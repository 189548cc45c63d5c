/**
 * The broker as a service of the user, for the commands that install, start and
 * stop it.
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

/** Selects the service of this checkout. */
export const DEV: Option<boolean> = {
  name: "dev",
  meaning:
    "act on the separate service of this checkout, under its dev mode name",
};

/** Overwrites foreign files, and replaces a broker that was started by hand. */
export const FORCE: Option<boolean> = {
  name: "force",
  meaning:
    "overwrite files that streamlib did not write, and replace a broker that was started by hand",
};

/** Installs a compiled broker. */
export const BINARY: Option<string> = {
  name: "binary",
  value: {
    label: "PATH",
    read: (text) => {
      if (text.startsWith("/")) return text;
      throw new ValueError("the absolute path of a compiled streamlib-broker");
    },
  },
  meaning:
    "install this compiled broker instead of this Deno with this package",
};

/** What `--json` writes for each command that acts on the service. */
export interface ServiceJson {
  readonly action: string;
  readonly service: string;
  readonly manager: "launchd" | "systemd";
  readonly state: ServiceState;
  readonly files: readonly string[];
}

/** The meaning of each field. */
export const SERVICE_FIELDS: Readonly<Record<keyof ServiceJson, string>> = {
  action: "the last word of the command, such as `install`",
  service: "the name of the service",
  manager: "`launchd` or `systemd`",
  state:
    "its state afterwards: `absent`, `stopped`, `listening` (the first client starts the broker), `running` or `failed`",
  files: "the paths of the files that were written or removed, an array",
};

/** The service, and what acts on it. */
export interface Service {
  readonly names: Names;
  readonly manager: ServiceManager;
  readonly installer: Installer;
}

const EXITS: Partial<Record<ServiceErrorCode, ExitCode>> = {
  bad_argument: EXIT.usage,
  not_installed: EXIT.notFound,
};

/** Runs `act` with the service that the options select. A ServiceError becomes a CommandError. */
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

/** The environment with dev mode on, and without a given service name. */
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

/** Throws if the environment gives another address: a service listens only on the sockets that its name determines. */
function checkAddress({ service, grpcAddress, grpcSocket }: Names): void {
  if (grpcAddress === `unix:${grpcSocket}`) return;
  throw new ServiceError(
    "bad_argument",
    `Cannot manage the service ${service}: STREAMLIB_BROKER_ENDPOINT is ${grpcAddress}, but this service listens at unix:${grpcSocket}`,
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
 * Tells the user what was done: as JSON, or as the paths of the files on stdout
 * and `words` on stderr.
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

/** A command line that acts on the same service: with `--dev` if this one has it. */
export function ofSameService({ args }: Invocation, line: string): string {
  return args.has(DEV) ? `${line} --dev` : line;
}

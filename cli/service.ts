/**
 * The broker as a service of the user, for the commands that install, start and
 * stop it.
 *
 * @module
 */

import {
  Installer,
  serviceManager,
  trialManager,
} from "../launchd/installer.ts";
import { locateBroker } from "../launchd/locate.ts";
import {
  ServiceError,
  type ServiceErrorCode,
} from "../launchd/service_error.ts";
import type {
  ServiceReport,
  ServiceState,
} from "../launchd/service_manager.ts";
import { trialService, tryOut } from "../launchd/trial.ts";
import type { EnvironmentSource } from "../proto/environment.ts";
import type { Names } from "../proto/names.ts";
import { bothCarriers } from "./both_carriers.ts";
import type { Callable } from "./first_contact.ts";
import { namesOf } from "./names_of.ts";
import { type Option, ValueError } from "./option.ts";
import { type Invocation, PROGRAM } from "./command.ts";
import { type Console, say, writeJson } from "./terminal/console.ts";
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
export interface Service extends Callable {
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
    return await act(await serviceOf(invocation));
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const { code, message, next, more } = error;
    throw new CommandError(
      EXITS[code] ?? EXIT.failed,
      message,
      next.startsWith(PROGRAM) ? ofSameService(invocation, next) : next,
      more,
    );
  }
}

async function serviceOf({ args, console }: Invocation): Promise<Service> {
  const env = args.has(DEV) ? devMode(console.env) : console.env;
  const all = namesOf(console, env);
  checkAddress(all);
  const tools = managerTools(console);
  const manager = await serviceManager(all, tools);
  const installer = new Installer({
    names: all,
    manager,
    program: () => locateBroker(all, tools.run, { binary: args.get(BINARY) }),
    tryOut: async (program) => {
      const trialNames = namesOf(
        console,
        without(env, "STREAMLIB_BROKER_ENDPOINT"),
        trialService(all.service),
      );
      const trial = {
        names: trialNames,
        manager: await trialManager(trialNames, tools),
      };
      return await tryOut(program, {
        names: all,
        trialNames,
        manager: trial.manager,
        contact: () => bothCarriers(trial, console),
      });
    },
    isServed: () => isServed(all.grpcSocket),
  });
  return { names: all, manager, installer };
}

/** What a service manager needs of this machine. */
export function managerTools(
  console: Console,
): Parameters<typeof serviceManager>[1] {
  const runtime = userRuntimeVariable(console);
  return {
    run: (program, args, options) =>
      console.runProgram(program, args, {
        ...options,
        env: { ...runtime, ...options?.env },
      }),
    userId: () => console.userId(),
    pause: (ms: number) => console.pause(ms, new AbortController().signal),
  };
}

/** systemctl finds the user's systemd by this variable, which cron, ssh and su may not set. */
function userRuntimeVariable(console: Console): Record<string, string> {
  if (Deno.build.os !== "linux" || console.env.get("XDG_RUNTIME_DIR")) {
    return {};
  }
  const path = console.userRuntime;
  return path === undefined ? {} : { XDG_RUNTIME_DIR: path };
}

/** The environment with dev mode on, and without a given service name. */
function devMode(env: EnvironmentSource): EnvironmentSource {
  const rest = without(env, "STREAMLIB_BROKER_XPC_SERVICE");
  return {
    get: (name) => name === "STREAMLIB_DEV_MODE" ? "1" : rest.get(name),
  };
}

function without(env: EnvironmentSource, variable: string): EnvironmentSource {
  return {
    get: (name) => name === variable ? undefined : env.get(name),
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

/**
 * The forms in which a broker runs, each with its command line.
 */

import config from "../../deno.json" with { type: "json" };
import { brokerProgram } from "../../launchd/broker_program.ts";
import { type Names, names } from "../../proto/names.ts";
import {
  BINARY_FLAGS,
  outputFolder,
} from "../../tools/package/broker_binary.ts";
import type { BrokerCommand } from "./broker_process.ts";
import { run } from "./child.ts";

const ROOT = new URL("../../", import.meta.url);
const MAIN = decodeURIComponent(new URL("broker/main.ts", ROOT).pathname);

/** A module of the checkout, so that Deno finds the permission sets in the checkout's `deno.json`. */
const IDLE = decodeURIComponent(
  new URL("tests/fixtures/idle.ts", ROOT).pathname,
);

/** One form: its command line, and the permission flags in it. */
export interface BrokerForm extends BrokerCommand {
  /** The argument that names the main module. */
  readonly module: string;
}

/** The environment of a service of its own in a home; it has no other variables. */
export function namesIn(home: string): Names {
  return names(new Map([["STREAMLIB_HOME", home], ["HOME", home]]), {
    service: "com.example.permissions",
  });
}

/** The cache directory of this machine's Deno. */
async function denoDirectory(): Promise<string> {
  const { stdout } = await run(Deno.execPath(), {
    args: ["info", "--json"],
    cwd: ROOT,
  });
  return JSON.parse(stdout).denoDir;
}

/** `deno task broker` without the tasks that it depends on. */
export async function foreground(home: string): Promise<BrokerForm> {
  const { command } = config.tasks.broker;
  const [, ...args] = command.split(" ");
  return {
    argv: [
      Deno.execPath(),
      ...args.slice(0, -1),
      MAIN,
      "--service",
      namesIn(home).service,
    ],
    environment: {
      STREAMLIB_HOME: home,
      HOME: home,
      DENO_DIR: await denoDirectory(),
    },
    module: MAIN,
  };
}

const LOCK = new URL("deno.lock", ROOT);

/** The command line that the installer writes into the service's file. For the checkout's own module it has a copy of the checkout's lock file in `home`, as the installer makes one. */
export async function installed(
  home: string,
  library: string,
  module = MAIN,
): Promise<BrokerForm> {
  const lockFile = `${home}/broker.lock`;
  if (module === MAIN) await Deno.copyFile(LOCK, lockFile);
  const { argv, environment } = brokerProgram({
    ...(module === MAIN && { lockFile }),
    names: namesIn(home),
    runtime: Deno.execPath(),
    module,
    library,
    denoDir: await denoDirectory(),
  });
  return { argv, environment, module };
}

/** A stand-in for the compiled broker: its modules in one file, with its flags. `deno task compile` has made it. */
export function binary(home: string, ...args: string[]): BrokerForm {
  const platform = `${Deno.build.os}-${Deno.build.arch}`;
  const module = decodeURIComponent(
    new URL("streamlib-broker.js", outputFolder(platform)).pathname,
  );
  return {
    argv: [
      Deno.execPath(),
      "run",
      "--quiet",
      ...BINARY_FLAGS,
      module,
      "--service",
      namesIn(home).service,
      ...args,
    ],
    environment: { STREAMLIB_HOME: home, HOME: home },
    module,
  };
}

const PERMISSION = /^(--allow-|--deny-|-P=)/;

/** The permission flags of a form. */
export function permissionsOf({ argv, module }: BrokerForm): string[] {
  return argv.slice(0, argv.indexOf(module)).filter((arg) =>
    PERMISSION.test(arg)
  );
}

/** Runs an empty module in place of the broker, with the permissions of a form or with other ones. */
export function idle(
  form: BrokerForm,
  permissions: readonly string[] = permissionsOf(form),
): BrokerForm {
  return {
    argv: [
      Deno.execPath(),
      "run",
      "--quiet",
      "--no-prompt",
      ...permissions,
      IDLE,
    ],
    environment: form.environment,
    module: IDLE,
  };
}

/** The same, with a module that runs before the main module, under the same permissions. The imports of that module enter a copy of the lock file, beside it. */
export function withPreload(form: BrokerForm, preload: string): BrokerForm {
  const end = form.argv.indexOf(form.module);
  const copy = `${preload}.lock`;
  Deno.copyFileSync(LOCK, copy);
  const own = form.argv.some((flag) => /^--(no-)?lock/.test(flag));
  const more = [...(own ? [] : [`--lock=${copy}`]), `--preload=${preload}`];
  return { ...form, argv: form.argv.toSpliced(end, 0, ...more) };
}

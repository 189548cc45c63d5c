/**
 * The forms that a broker is run in, each as the command line that it has.
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

/** In the checkout, whose sets of permissions are found from there. */
const IDLE = decodeURIComponent(
  new URL("tests/fixtures/idle.ts", ROOT).pathname,
);

/** One form: its command line, and what of it are permissions. */
export interface BrokerForm extends BrokerCommand {
  /** The argument that is the main module. */
  readonly module: string;
}

/** The names of a service of its own in a home, with nothing else in the environment. */
export function namesIn(home: string): Names {
  return names(new Map([["STREAMLIB_HOME", home], ["HOME", home]]), {
    service: "com.example.permissions",
  });
}

/** Where this machine's Deno keeps what it has downloaded. */
export async function denoDirectory(): Promise<string> {
  const { stdout } = await run(Deno.execPath(), {
    args: ["info", "--json"],
    cwd: ROOT,
  });
  return JSON.parse(stdout).denoDir;
}

/** `deno task broker`, but for what the task does first. */
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

/** What an installer writes down. */
export async function installed(
  home: string,
  library: string,
  module = MAIN,
): Promise<BrokerForm> {
  const { argv, environment } = brokerProgram({
    names: namesIn(home),
    runtime: Deno.execPath(),
    module,
    library,
    denoDir: await denoDirectory(),
  });
  return { argv, environment, module };
}

/** What stands in for the compiled broker: its modules as one file, with its flags. `deno task compile` has made it. */
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

/** A form's flags of permission alone. */
export function permissionsOf({ argv, module }: BrokerForm): string[] {
  return argv.slice(0, argv.indexOf(module)).filter((arg) =>
    PERMISSION.test(arg)
  );
}

/** A process with nothing but a form's permissions, or others: a module that does nothing runs in the place of the broker. */
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

/** The same with a module that is run before its own, under its permissions; what that imports is kept out of the lock file. */
export function withPreload(form: BrokerForm, preload: string): BrokerForm {
  const end = form.argv.indexOf(form.module);
  const more = ["--no-lock", `--preload=${preload}`].filter((flag) =>
    !form.argv.includes(flag)
  );
  return { ...form, argv: form.argv.toSpliced(end, 0, ...more) };
}

/**
 * The broker of this login on macOS: launchd runs it after a host has asked for
 * it. Not run on a Mac so far.
 *
 * @module
 */

import { permittedEnvironment } from "../ffi/environment.ts";
import type { EnvironmentSource } from "../proto/environment.ts";
import { BridgeError } from "../proto/errors.ts";
import { type Names, names } from "../proto/names.ts";
import { warnToStderr } from "./stderr.ts";

/** Makes launchd load the agent of a service. */
export type LoadAgent = (names: Names) => Promise<LoadedAgent>;

/** The agent of a service, which launchd has loaded. */
export interface LoadedAgent {
  /** The path of its property list; `undefined` if it was loaded already. */
  readonly loaded: string | undefined;
  /** Its name for launchctl, with launchd's domain. */
  readonly target: string;
  /** What a user must know of that domain; usually nothing. */
  readonly remarks: readonly string[];
}

/** What {@link launchdBroker} uses. Default: this process's own. */
export interface LaunchdBrokerTools {
  /** Why the host runs no broker itself. */
  readonly because?: string;
  readonly env?: EnvironmentSource;
  /** Called with a line that says what was done. */
  readonly say?: (text: string) => void;
  readonly os?: "linux" | "darwin";
}

/**
 * Makes launchd run a broker under the default name when the first message comes.
 * The broker goes on when the host ends, since other hosts may use it.
 *
 * @throws {BridgeError} `not_permitted` if this process may not ask launchd,
 * `broker_unreachable` if launchd refuses; both say what to do
 */
export async function launchdBroker(
  load: LoadAgent,
  { because, env = permittedEnvironment(), say = warnToStderr, os }:
    LaunchdBrokerTools = {},
): Promise<{ readonly service: string } & AsyncDisposable> {
  const all = names(env, { ...(os && { os }) });
  const { service, home } = all;
  const cannot = `Cannot have launchd run a broker for ${service}`;
  const choice = "install one with `streamlib broker install`";
  try {
    const { loaded, target, remarks } = await load(all);
    if (loaded !== undefined) {
      // Only the screen's domain ends with a login.
      const until = target.startsWith("gui/")
        ? "until you log out"
        : "until the Mac restarts";
      say(
        `no broker was running: launchd now runs one on demand ${until} (${loaded})${
          because === undefined ? "" : `, because this host cannot: ${because}`
        }. ` +
          "`streamlib broker install` makes it permanent, " +
          `\`launchctl bootout ${target}\` ends it, and \`embedBroker: false\` prevents it`,
      );
    }
    for (const remark of remarks) say(remark);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) {
      throw new BridgeError(
        "not_permitted",
        `${cannot}: ${cause.message}. Run Deno with --allow-run=launchctl,deno --allow-sys=uid ` +
          `--allow-read --allow-write=${home},${all.logDirectory}; or ${choice}`,
        { cause },
      );
    }
    throw new BridgeError(
      "broker_unreachable",
      `${cannot}: ${(cause as Error).message}; ${choice}`,
      { cause },
    );
  }
  return { service, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/**
 * A broker of this login's, for macOS: launchd runs it, once a host has asked
 * for it. Never run on a Mac so far.
 *
 * @module
 */

import { permittedEnvironment } from "../ffi/environment.ts";
import type { EnvironmentSource } from "../proto/environment.ts";
import { BridgeError } from "../proto/errors.ts";
import { FOREGROUND_BROKER } from "../proto/foreground.ts";
import { type Names, names } from "../proto/names.ts";
import { warnToStderr } from "./stderr.ts";

/** Has launchd load the agent of a service; its property list where that was done now, `undefined` where it was loaded already. */
export type LoadAgent = (names: Names) => Promise<string | undefined>;

/** What it works with; this process's own if not said. */
export interface LaunchdBrokerTools {
  readonly env?: EnvironmentSource;
  /** Takes the line that says what was done. */
  readonly say?: (text: string) => void;
  readonly os?: "linux" | "darwin";
}

/**
 * Has a broker serve the default name, from its first message on. It goes on
 * when the host ends: other hosts may use it by then.
 *
 * @throws {BridgeError} `not_permitted` where this process may not ask launchd,
 * `broker_unreachable` where launchd will not; both say what to do
 */
export async function launchdBroker(
  load: LoadAgent,
  { env = permittedEnvironment(), say = warnToStderr, os }: LaunchdBrokerTools =
    {},
): Promise<{ readonly service: string } & AsyncDisposable> {
  const all = names(env, { ...(os && { os }) });
  const { service, launchdLabel, home } = all;
  const cannot = `Cannot have launchd run a broker for ${service}`;
  const choice = "install one with `streamlib broker install`, or run one " +
    `with \`${FOREGROUND_BROKER}\``;
  try {
    const file = await load(all);
    if (file !== undefined) {
      say(
        `no broker was there: launchd now runs one on demand until you log out (${file}). ` +
          "`streamlib broker install` makes it permanent, " +
          `\`launchctl bootout gui/$UID/${launchdLabel}\` ends it, and \`embedBroker: false\` prevents it`,
      );
    }
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

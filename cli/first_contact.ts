/**
 * Waits until a broker that is being started answers.
 *
 * @module
 */

import type { BridgeError } from "../proto/errors.ts";
import type { GetVersionResponse } from "../proto/broker_gen.ts";
import { BROKER_START_MS } from "../proto/limits.ts";
import { checkVersion, isBrokerGone } from "../proto/wire/control.ts";
import type { ServiceManager } from "../launchd/service_manager.ts";
import type { Names } from "../proto/names.ts";
import type { Console } from "./terminal/console.ts";
import { CommandError, EXIT } from "./exit.ts";

const PAUSE_MS = 200;

/** A service that can be called: its names, and its manager. */
export interface Callable {
  readonly names: Names;
  readonly manager: ServiceManager;
}

/**
 * Calls the broker until it reports that it is healthy. The first call starts
 * it.
 *
 * @throws {CommandError} `unreachable`, with the manager's reason and the broker's last
 * words, after 30 s or as soon as the manager reports that the service has failed
 * @throws {BridgeError} `version_mismatch`
 */
export async function firstContact(
  service: Callable,
  console: Console,
): Promise<GetVersionResponse> {
  const { version, found, more } = await contact(service, console);
  if (version !== undefined) return version;
  const { names, manager } = service;
  throw new CommandError(
    EXIT.unreachable,
    `Cannot start the broker ${names.service}: ${found}`,
    manager.diagnosis,
    more,
  );
}

/** Why a broker does not answer. */
export interface NoAnswer {
  readonly found: string;
  /** More lines: the broker's last words. */
  readonly more: readonly string[];
}

/** What a contact found: the version of the broker, or why it does not answer. */
type Contact =
  | {
    readonly version: GetVersionResponse;
    readonly found?: never;
    more?: never;
  }
  | { readonly version?: never } & NoAnswer;

/** As {@link firstContact}; returns why the broker does not answer. */
export async function contact(
  { names, manager }: Callable,
  console: Console,
): Promise<Contact> {
  const until = console.now() + BROKER_START_MS;
  const { signal } = new AbortController();
  let found = "it does not answer";
  for (let left = BROKER_START_MS; left > 0; left = until - console.now()) {
    using client = await console.connect(names.grpcAddress);
    try {
      const version = await checkVersion(client, names.grpcAddress, {
        timeoutMs: left,
      });
      const { healthy, status } = await client.call("GetHealth", {}, {
        timeoutMs: Math.max(1, until - console.now()),
      });
      if (healthy) return { version };
      found = `it reports that it is ${status}`;
    } catch (error) {
      if (!isBrokerGone(error)) throw error;
      found = (error as BridgeError).message;
    }
    const { state, reason } = await manager.report();
    if (state === "failed") {
      found = `${manager.kind} says that it has failed, ${reason}`;
      break;
    }
    await console.pause(PAUSE_MS, signal);
  }
  return { found, more: await lastWordLines(manager) };
}

/** The last lines that a broker wrote, with a heading; none if there are none. */
export async function lastWordLines(
  manager: ServiceManager,
): Promise<readonly string[]> {
  const words = await manager.lastWords();
  return words.length === 0
    ? []
    : ["Its last words:", ...words.map((line) => `  ${line}`)];
}

/** The version of the broker that the manager runs; undefined if none runs or it does not answer. Does not start one. */
export async function runningVersion(
  { names, manager }: Callable,
  console: Console,
): Promise<GetVersionResponse | undefined> {
  if ((await manager.report()).state !== "running") return undefined;
  using client = await console.connect(names.grpcAddress);
  try {
    return await client.call("GetVersion", {});
  } catch (error) {
    if (!isBrokerGone(error)) throw error;
    return undefined;
  }
}

/**
 * Waits until a broker that is being started answers.
 *
 * @module
 */

import type { BridgeError } from "../proto/errors.ts";
import type { GetVersionResponse } from "../proto/broker_gen.ts";
import { checkVersion, isBrokerGone } from "../proto/wire/control.ts";
import type { Console } from "./terminal/console.ts";
import { CommandError, EXIT } from "./exit.ts";
import type { Service } from "./service.ts";

/** The limit for the whole wait. On a slow disk Deno's first start takes some seconds. */
const DEADLINE_MS = 20_000;
const PAUSE_MS = 200;

/**
 * Calls the broker until it reports that it is healthy. The first call starts
 * it.
 *
 * @throws {CommandError} `unreachable`, with the manager's reason, after 20 s or
 * as soon as the manager reports that the service has failed
 * @throws {BridgeError} `version_mismatch`
 */
export async function firstContact(
  { names, manager }: Service,
  console: Console,
): Promise<GetVersionResponse> {
  const until = console.now() + DEADLINE_MS;
  const { signal } = new AbortController();
  let found = "it does not answer";
  for (let left = DEADLINE_MS; left > 0; left = until - console.now()) {
    using client = await console.connect(names.grpcAddress);
    try {
      const version = await checkVersion(client, names.grpcAddress, {
        timeoutMs: left,
      });
      const { healthy, status } = await client.call("GetHealth", {}, {
        timeoutMs: Math.max(1, until - console.now()),
      });
      if (healthy) return version;
      found = `it reports that it is ${status}`;
    } catch (error) {
      if (!isBrokerGone(error)) throw error;
      found = (error as BridgeError).message;
    }
    const { state, reason } = await manager.report();
    if (state === "failed") {
      found = `${manager.kind} says that it has failed: ${reason}`;
      break;
    }
    await console.pause(PAUSE_MS, signal);
  }
  throw new CommandError(
    EXIT.unreachable,
    `Cannot start the broker ${names.service}: ${found}`,
    manager.diagnosis,
  );
}

/** The version of the broker that the manager runs; undefined if none runs or it does not answer. Does not start one. */
export async function runningVersion(
  { names, manager }: Service,
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

/**
 * A broker that was reached, and that speaks this version of the protocol.
 *
 * @module
 */

import type { GetVersionResponse } from "../proto/broker_gen.ts";
import { checkVersion } from "../proto/wire/control.ts";
import { BridgeError } from "../proto/errors.ts";
import type { EnvironmentSource } from "../proto/environment.ts";
import { FOREGROUND_BROKER } from "../proto/foreground.ts";
import { names } from "../proto/names.ts";
import type { GrpcClient } from "../broker/grpc/grpc_client.ts";
import { type Invocation, lineOf } from "./command.ts";
import { CommandError, EXIT } from "./exit.ts";
import { ENDPOINT } from "./options.ts";

/** How there comes to be a broker, where none is installed. */
const START =
  `streamlib broker install, or, in another terminal, ${FOREGROUND_BROKER}`;

/** A broker that answers. */
export interface Session extends Disposable {
  readonly address: string;
  readonly version: GetVersionResponse;
  readonly client: GrpcClient;
}

/**
 * Finds the broker: at `--endpoint`, else by the service's names.
 *
 * @throws {CommandError} `unreachable`
 * @throws {BridgeError} `version_mismatch`; `bad_argument` where the
 * environment names no address that can be
 */
export async function openSession(
  { args, console }: Pick<Invocation, "args" | "console">,
): Promise<Session> {
  const address = args.get(ENDPOINT) ?? names(console.env).grpcAddress;
  using held = new DisposableStack();
  const client = held.use(await console.connect(address));
  try {
    const version = await checkVersion(client, address);
    const kept = held.move();
    return {
      address,
      version,
      client,
      [Symbol.dispose]: () => kept.dispose(),
    };
  } catch (error) {
    throw isUnreachable(error)
      ? new CommandError(
        EXIT.unreachable,
        `Cannot reach the broker at ${address}: ${reasonOf(error)}`,
        startHint(console.env),
      )
      : error;
  }
}

/** By the files of an installed one: no program is run to find out. */
function startHint(env: EnvironmentSource): string {
  const { plistFile, systemdDirectory, systemdSocketUnit } = names(env);
  const file = plistFile ??
    (systemdDirectory && `${systemdDirectory}/${systemdSocketUnit}`);
  try {
    if (file !== undefined && Deno.lstatSync(file)) {
      return lineOf(["broker", "start"]);
    }
  } catch {
    // Not there, or not to be looked at: then the general hint holds.
  }
  return START;
}

function isUnreachable(error: unknown): error is BridgeError {
  return error instanceof BridgeError &&
    (error.code === "broker_unreachable" || error.code === "timed_out");
}

/** Why a broker cannot be reached, as the system says it: a missing socket is the usual case. */
export function reasonOf(error: BridgeError): string {
  const { details = error.message } = (error.cause ?? {}) as {
    details?: string;
  };
  if (details.includes("ENOENT") || details.includes("NotFound")) {
    return "there is no such socket, so none is running under this name";
  }
  if (details.includes("ECONNREFUSED")) {
    return "nobody listens there; it was killed, or has not started yet";
  }
  if (details.includes("Deadline exceeded")) {
    return "what listens there does not answer; it is stopped, or no broker";
  }
  return details;
}

/**
 * A connection to a broker that answers and speaks this protocol version.
 *
 * @module
 */

import type { GetVersionResponse } from "../proto/broker_gen.ts";
import { BROKER_START_MS } from "../proto/limits.ts";
import {
  CALL_TIMEOUT_MS,
  checkVersion,
  type ControlClient,
} from "../proto/wire/control.ts";
import { BridgeError } from "../proto/errors.ts";
import { brokerCommand } from "../proto/foreground.ts";
import { type Names, serviceName } from "../proto/names.ts";
import type { GrpcClient } from "../broker/grpc/grpc_client.ts";
import { bootstrapOf } from "../proto/bootstrap.ts";
import { type Invocation, lineOf } from "./command.ts";
import { CommandError, EXIT } from "./exit.ts";
import { namesOf } from "./names_of.ts";
import { ENDPOINT } from "./options.ts";
import type { Console, TreeClient } from "./terminal/console.ts";

/** How to get a broker if none is installed. */
const START = Deno.build.os === "darwin"
  ? brokerCommand()
  : `streamlib broker install, or, in another terminal, ${brokerCommand()}`;

/** A connection to a broker that has answered. */
export interface Session extends Disposable {
  readonly address: string;
  readonly version: GetVersionResponse;
  readonly client: ControlClient;
  /** The same client, if it has streams: XPC carries none. */
  readonly streams: GrpcClient | undefined;
  /** Throws {@link BootstrapError} if the broker cannot come back: it is of a bootstrap that cannot be reached any more. */
  checkLoss(): void;
}

/** The bootstrap that this process is in, or its broker, cannot be reached. */
export class BootstrapError extends CommandError {
  override name = "BootstrapError";

  constructor(message: string) {
    super(EXIT.unreachable, message, DOCTOR);
  }
}

/**
 * Connects to the broker: at `--endpoint`; without it to the one of the bootstrap that
 * this process is in; if it is in none, or that has no broker, at the service's socket.
 * Gives up `ffi` in any case.
 *
 * @throws {CommandError} `unreachable`
 * @throws {BridgeError} `version_mismatch`; `bad_argument` if the
 * environment contains an invalid address
 */
export async function openSession(
  invocation: Pick<Invocation, "args" | "console">,
): Promise<Session> {
  try {
    return await treeSession(invocation) ?? await grpcSession(invocation);
  } finally {
    invocation.console.giveUp(["ffi"]);
  }
}

/** The session with the broker of the bootstrap. */
async function treeSession(
  { args, console }: Pick<Invocation, "args" | "console">,
): Promise<Session | undefined> {
  const inherited = bootstrapOf(console.env);
  if (inherited === undefined || args.get(ENDPOINT) !== undefined) return;
  const service = serviceName(console.env);
  using held = new DisposableStack();
  const client = held.use(await console.connectTree(service));
  checkLoss(client);
  try {
    const version = await checkVersion(client, service);
    const kept = held.move();
    return {
      address: `xpc:${service}`,
      version,
      client,
      streams: undefined,
      checkLoss: () => checkLoss(client),
      [Symbol.dispose]: () => kept.dispose(),
    };
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    checkLoss(client);
    if (error.code === "timed_out") throw new BootstrapError(error.message);
    if (!inherited.isolated) return undefined;
    throw new BootstrapError(
      `Cannot reach the broker of this bootstrap: no process in it serves ${service}, and it is isolated, so this user's broker is not used`,
    );
  }
}

function checkLoss(client: TreeClient): void {
  const loss = client.loss();
  if (loss !== undefined) throw new BootstrapError(loss);
}

async function grpcSession(
  { args, console }: Pick<Invocation, "args" | "console">,
): Promise<Session> {
  const given = args.get(ENDPOINT);
  const address = given ?? namesOf(console).grpcAddress;
  using held = new DisposableStack();
  const client = held.use(await console.connect(address));
  try {
    // The call may start an installed broker.
    const onDemand = given === undefined && isInstalled(namesOf(console));
    const version = await checkVersion(client, address, {
      timeoutMs: onDemand ? BROKER_START_MS : CALL_TIMEOUT_MS,
    });
    const kept = held.move();
    return {
      address,
      version,
      client,
      streams: client,
      checkLoss: () => {},
      [Symbol.dispose]: () => kept.dispose(),
    };
  } catch (error) {
    throw isUnreachable(error)
      ? new CommandError(
        EXIT.unreachable,
        `Cannot reach the broker at ${address}: ${reasonOf(error)}`,
        UNUSABLE_LISTENER.test(detailsOf(error)) ? DOCTOR : startHint(console),
      )
      : error;
  }
}

/** The command that starts a broker. Only looks whether the files of a service exist; runs no program. */
function startHint(console: Console): string {
  return isInstalled(namesOf(console)) ? lineOf(["broker", "start"]) : START;
}

/** Whether the file of a service exists. */
export function isInstalled(
  { plistFile, systemdDirectory, systemdSocketUnit }: Names,
): boolean {
  const file = plistFile ??
    (systemdDirectory && `${systemdDirectory}/${systemdSocketUnit}`);
  try {
    return file !== undefined && Boolean(Deno.lstatSync(file));
  } catch {
    return false; // it does not exist or cannot be read
  }
}

function isUnreachable(error: unknown): error is BridgeError {
  return error instanceof BridgeError &&
    (error.code === "broker_unreachable" || error.code === "timed_out");
}

/** Failures that another broker would not cure: somebody listens there, but this user may not connect, or gets no answer. */
const UNUSABLE_LISTENER = /EACCES|PermissionDenied|Deadline exceeded/;
const DOCTOR = lineOf(["broker", "doctor"]);

function detailsOf(error: BridgeError): string {
  const { details = error.message } = (error.cause ?? {}) as {
    details?: string;
  };
  return details;
}

/** Why a broker cannot be reached, in words. A missing socket is the usual case. */
export function reasonOf(error: BridgeError): string {
  const details = detailsOf(error);
  if (details.includes("ENOENT") || details.includes("NotFound")) {
    return "there is no such socket, so no broker is running under this name";
  }
  if (details.includes("ECONNREFUSED")) {
    return "no process listens there; the broker was killed, or it has not started yet";
  }
  if (details.includes("EACCES") || details.includes("PermissionDenied")) {
    return "this user may not use that socket: it, or a directory above it, is another user's or has a wrong mode";
  }
  if (details.includes("Deadline exceeded")) {
    return "the process that listens there does not answer; it is stopped, or it is not a broker";
  }
  return details;
}

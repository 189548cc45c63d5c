/**
 * Finds the broker of a host: the given one; without one, the broker that serves
 * the default name; if there is none, a broker embedded in this process.
 *
 * @module
 */

import type { Bootstrap } from "../ffi/bootstrap.ts";
import { BrokerLink } from "../ffi/broker_link.ts";
import type { Native } from "../ffi/native.ts";
import { inheritedChannel } from "../ffi/own_names.ts";
import {
  checkVersion,
  type ControlClient,
  type OpenControl,
} from "../proto/wire/control.ts";
import { BridgeError } from "../proto/errors.ts";
import { BROKER_START_MS } from "../proto/limits.ts";

/** A broker that was found or started. */
export interface BrokerLease extends AsyncDisposable {
  /** Its service name. */
  readonly service: string;
  /** A connection to it. */
  readonly link: BrokerLink;
  /** The carrier of the control calls: `link`, or a gRPC client. */
  readonly control: ControlClient;
  /** Its gRPC address; `undefined` if XPC carries the control calls. */
  readonly grpcAddress: string | undefined;
  /** The bootstrap that has its name, if it runs in this process: the client must be started in it. */
  readonly bootstrap: Bootstrap | undefined;
}

/** A broker that was started. */
export interface StartedBroker extends AsyncDisposable {
  readonly service: string;
  /** The bootstrap that has its name; `undefined` if it serves the default name of this user. */
  readonly bootstrap?: Bootstrap;
}

/**
 * Starts a broker. It runs in this process, in a bootstrap, and is shared by the
 * hosts of this process; or it is started elsewhere and serves the default name.
 */
export type Embed = (native: Native) => Promise<StartedBroker>;

/** How to find a broker. */
export interface BrokerSearch {
  /** The service name that the user gave; only that broker is used. */
  readonly given: string | undefined;
  /** The default service name. */
  readonly fallback: string;
  /** Starts a broker if there is none; `undefined` if none may be started. */
  readonly embed: Embed | undefined;
  /** The gRPC address, and the function that opens it, if gRPC carries the control calls. */
  readonly grpc?: { readonly address: string; readonly open: OpenControl };
}

/** The time for the first answer, after which a host runs a broker of its own. */
const CONTACT_TIMEOUT_MS = 10_000;

/** The time for the first answer on a system, in milliseconds. On macOS launchd starts each broker, and a host has none of its own. */
export function contactTimeoutMs(os: typeof Deno.build.os): number {
  return os === "darwin" ? BROKER_START_MS : CONTACT_TIMEOUT_MS;
}

/**
 * Finds a broker.
 *
 * @param lost called each time that the broker is lost
 * @param signal aborts the search
 * @throws {BridgeError} `broker_unreachable` if the given broker does not answer,
 * `version_mismatch` if a broker has another version of the protocol
 */
export async function findBroker(
  native: Native,
  choice: BrokerSearch,
  lost: () => void,
  signal: AbortSignal,
): Promise<BrokerLease> {
  await using held = new AsyncDisposableStack();
  const { given, fallback, embed, grpc } = choice;
  let link = held.use(new BrokerLink(native, given ?? fallback, lost));
  let bootstrap: Bootstrap | undefined;
  const contact = { timeoutMs: contactTimeoutMs(Deno.build.os), signal };
  try {
    await checkVersion(link, link.service, contact);
  } catch (error) {
    if (given !== undefined || !isAbsent(error) || grpc) throw error;
    inheritedChannel(native); // one that was lost is told: a broker of its own would hide it
    if (embed === undefined) throw noneWanted(error, fallback);
    link[Symbol.dispose](); // one that hangs would be told as lost when it ends
    const broker = held.use(await embed(native));
    bootstrap = broker.bootstrap;
    link = held.use(linkTo(native, broker, lost));
    if (!bootstrap) await checkStarted(link, contact);
  }
  const control = grpc ? held.use(await grpc.open(grpc.address)) : link;
  if (grpc) await checkVersion(control, grpc.address, contact);
  const { service } = link;
  const owned = held.move();
  return {
    service,
    link,
    control,
    grpcAddress: grpc?.address,
    bootstrap,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function linkTo(
  native: Native,
  { service, bootstrap }: StartedBroker,
  lost: () => void,
): BrokerLink {
  if (!bootstrap) return new BrokerLink(native, service, lost);
  return new BrokerLink(native, service, lost, () => {
    const connection = bootstrap.tryConnect(service);
    if (connection) return connection;
    throw new BridgeError(
      "broker_unreachable",
      "Cannot reach the broker of this process: it has ended",
    );
  });
}

/** Waits for a broker that a service manager starts under the default name: the first call starts it. */
async function checkStarted(
  link: BrokerLink,
  contact: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  try {
    await checkVersion(link, link.service, contact);
  } catch (error) {
    if (!isAbsent(error)) throw error;
    const { service } = link;
    const why = error.code === "timed_out"
      ? `it did not answer within ${contact.timeoutMs / 1000} s`
      : "nobody serves its name in this session";
    throw new BridgeError(
      "broker_unreachable",
      `Cannot reach the broker '${service}', though launchd was told to start it on demand: ${why}; \`streamlib broker doctor\` finds the first broken link`,
      { cause: error },
    );
  }
}

/** Whether no broker serves the name, or none that answers. */
function isAbsent(error: unknown): error is BridgeError {
  return error instanceof BridgeError &&
    (error.code === "broker_unreachable" || error.code === "timed_out");
}

function noneWanted(error: BridgeError, service: string): BridgeError {
  return new BridgeError(
    "broker_unreachable",
    `Cannot find a broker for ${service}, and embedBroker is false: ` +
      `${error.message}; run \`streamlib broker start\`, or \`streamlib broker install\` if none is installed`,
    { cause: error },
  );
}

/**
 * Which broker a host uses: the one that it is told, else the one that serves
 * the default name, else one of its own, embedded in its process.
 *
 * @module
 */

import { BrokerLink } from "../ffi/broker_link.ts";
import type { Native } from "../ffi/native.ts";
import {
  checkVersion,
  type ControlClient,
  type OpenControl,
} from "../proto/wire/control.ts";
import { BridgeError } from "../proto/errors.ts";

/** A broker that was found or made. */
export interface BrokerLease extends AsyncDisposable {
  /** Its service name. */
  readonly service: string;
  /** A connection to it. */
  readonly link: BrokerLink;
  /** What carries the control calls to it: the same, or gRPC. */
  readonly control: ControlClient;
  /** Its gRPC address, where that carries them. */
  readonly grpcAddress: string | undefined;
  /** Whether it runs in this process. */
  readonly embedded: boolean;
}

/**
 * Makes a broker where there is none: runs one in this process or shares the
 * one that already does, under a name of its own; or has one started that
 * serves the default name.
 */
export type Embed = (
  native: Native,
) => Promise<{ readonly service: string } & AsyncDisposable>;

/** Where to look for a broker. */
export interface BrokerSearch {
  /** The service name that the user gave: then only that one will do. */
  readonly given: string | undefined;
  /** The default service name. */
  readonly fallback: string;
  /** Makes one where there is none; `undefined` when that is not wanted. */
  readonly embed: Embed | undefined;
  /** Where its gRPC is and what opens it, for who wants the control calls carried by that. */
  readonly grpc?: { readonly address: string; readonly open: OpenControl };
}

/** How long a broker has to say its version: one that its service manager starts for this call may be slow to begin. */
const CONTACT_TIMEOUT_MS = 10_000;

/**
 * Finds a broker.
 *
 * @param lost called when the one that was found has gone
 * @param signal calls the search off
 * @throws {BridgeError} `broker_unreachable` where the given one does not
 * answer, `version_mismatch` where one speaks another protocol
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
  let embedded = false;
  const contact = { timeoutMs: CONTACT_TIMEOUT_MS, signal };
  try {
    await checkVersion(link, link.service, contact);
  } catch (error) {
    const absent = error instanceof BridgeError &&
      (error.code === "broker_unreachable" || error.code === "timed_out");
    if (given !== undefined || !absent || grpc) throw error;
    if (embed === undefined) throw noneWanted(error, fallback);
    const broker = held.use(await embed(native));
    link = held.use(new BrokerLink(native, broker.service, lost));
    embedded = broker.service !== fallback;
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
    embedded,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function noneWanted(error: BridgeError, service: string): BridgeError {
  return new BridgeError(
    "broker_unreachable",
    `Cannot find a broker for ${service}, and none is to be made (embedBroker is false): ` +
      `${error.message}; type \`streamlib broker start\`, or, where none is installed, \`streamlib broker install\``,
    { cause: error },
  );
}

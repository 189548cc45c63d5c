/**
 * Which broker a host uses: the one that it is told, else the one that serves
 * the default name, else one of its own, embedded in its process.
 *
 * @module
 */

import { BrokerLink } from "../ffi/broker_link.ts";
import type { Native } from "../ffi/native.ts";
import { BridgeError } from "../proto/errors.ts";
import { KEY, MESSAGE_TYPE, PROTOCOL_VERSION } from "../proto/keys.ts";
import { getNumber, getString } from "../proto/xpc_value.ts";

/** A broker that was found or made. */
export interface BrokerLease extends AsyncDisposable {
  /** Its service name. */
  readonly service: string;
  /** A connection to it. */
  readonly link: BrokerLink;
  /** Whether it runs in this process. */
  readonly embedded: boolean;
}

/** Runs a broker in this process, or shares the one that already does. */
export type Embed = (
  native: Native,
) => Promise<{ readonly service: string } & AsyncDisposable>;

/** How long a broker has to say its version. */
const CONTACT_TIMEOUT_MS = 2_000;

/**
 * Finds a broker.
 *
 * @param given the service name that the user gave: then only that one will do
 * @param fallback the default service name
 * @param signal calls the search off
 * @throws {BridgeError} `broker_unreachable` where the given one does not
 * answer, `version_mismatch` where one speaks another protocol
 */
export async function findBroker(
  native: Native,
  given: string | undefined,
  fallback: string,
  embed: Embed,
  signal: AbortSignal,
): Promise<BrokerLease> {
  const service = given ?? fallback;
  const link = new BrokerLink(native, service);
  try {
    await checkVersion(link, signal);
    return lease(link, undefined);
  } catch (error) {
    link[Symbol.dispose]();
    const absent = error instanceof BridgeError &&
      (error.code === "broker_unreachable" || error.code === "timed_out");
    if (given !== undefined || !absent) throw error;
  }
  await using held = new AsyncDisposableStack();
  const broker = held.use(await embed(native));
  const own = lease(new BrokerLink(native, broker.service), broker);
  held.move(); // the lease's from here on
  return own;
}

function lease(
  link: BrokerLink,
  broker: AsyncDisposable | undefined,
): BrokerLease {
  return {
    service: link.service,
    link,
    embedded: broker !== undefined,
    [Symbol.asyncDispose]: async () => {
      link[Symbol.dispose]();
      await broker?.[Symbol.asyncDispose]();
    },
  };
}

async function checkVersion(
  link: BrokerLink,
  signal: AbortSignal,
): Promise<void> {
  using reply = await link.call(MESSAGE_TYPE.getVersion, {}, {
    timeoutMs: CONTACT_TIMEOUT_MS,
    signal,
  });
  const theirs = getNumber(reply.body, KEY.protocolVersion, "uint64");
  if (theirs === BigInt(PROTOCOL_VERSION)) return;
  throw new BridgeError(
    "version_mismatch",
    `Cannot use the broker '${link.service}': version ${
      getString(reply.body, KEY.version) ?? "(unknown)"
    } speaks protocol ${
      theirs ?? "(none)"
    }, this library ${PROTOCOL_VERSION}; ` +
      "update the older of the two",
  );
}

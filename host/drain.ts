/**
 * Waits until a host's client has processed everything that it was sent.
 *
 * @module
 */

import type { Activity } from "../channel/activity.ts";
import type { Channel } from "../channel/channel.ts";
import { BridgeError } from "../proto/errors.ts";
import type { PortMap } from "../proto/schema/port.ts";

/** The host that is drained. */
export interface Drainable {
  /** Its ports. */
  readonly channel: Pick<
    Channel<PortMap, PortMap>,
    | "senders"
    | "receivers"
    | "isOpen"
    | "features"
    | "outgoingEnded"
    | "incomingEnded"
    | "stats"
  >;
  /** Changes when what is asked here may have changed. */
  readonly activity: Activity;
  /** Aborts when the host begins to end. */
  readonly over: AbortSignal;
  /** Whether the client has flushed. */
  readonly hasFlushed: boolean;
  /** Why the last client was lost. */
  readonly lastFailure: BridgeError | undefined;
  /** The failure with which the host has begun to end. */
  readonly failure: Error | undefined;
}

/** Ends every input, and resolves when {@link isDrained}. Rejects as `ProcessorHost.drain` says. */
export async function drained(
  host: Drainable,
  signal: AbortSignal | undefined,
): Promise<void> {
  throwIfUnknown(host);
  for (const sender of Object.values(host.channel.senders)) sender.end();
  const wake = (): void => host.activity.changed();
  signal?.addEventListener("abort", wake);
  try {
    while (!host.over.aborted) {
      if (signal?.aborted) {
        throw new BridgeError(
          "aborted",
          "The wait for the end of the outputs was aborted by its signal; the inputs have ended" +
            unreadOutput(host),
          { cause: signal.reason },
        );
      }
      throwIfUnknown(host);
      if (isDrained(host)) return throwIfLost(host);
      await host.activity.wait();
    }
  } finally {
    signal?.removeEventListener("abort", wake);
  }
  if (!host.failure) {
    throw new BridgeError(
      "closed",
      "Cannot drain: the host was closed before it was drained",
    );
  }
  throwIfLost(host);
  throw host.failure;
}

/**
 * Whether the client has ended every output, and has processed everything that it
 * was sent before the end of the inputs.
 */
export function isDrained(
  { channel, hasFlushed }: Pick<Drainable, "channel" | "hasFlushed">,
): boolean {
  const { isOpen, incomingEnded, outgoingEnded } = channel;
  if (!isOpen || incomingEnded === false || outgoingEnded === false) {
    return false;
  }
  return hasFlushed || outgoingEnded === undefined;
}

/** What to do about an output in order that is full: its client waits for a reader. */
function unreadOutput({ channel }: Drainable): string {
  const full = Object.values(channel.receivers).find((port) =>
    port.read_behavior === "read_next_in_order" && port.size >= port.capacity
  );
  return full
    ? `. The output '${full.name}' is full (${full.size} unread): read the outputs while the host is drained`
    : "";
}

/** Throws `version_mismatch` if the client would not know the end of a port. */
function throwIfUnknown({ channel }: Drainable): void {
  if (!channel.isOpen || channel.features.has("ends")) return;
  throw new BridgeError(
    "version_mismatch",
    "Cannot drain: the client's library does not know the end of a port (it has not named the feature 'ends'); " +
      "update it, or close the host without draining it",
  );
}

/** Throws `channel_lost` if frames were with a client when it died. */
function throwIfLost({ channel, lastFailure }: Drainable): void {
  const { lost } = channel.stats;
  if (lost === 0) return;
  const [frames, them] = lost === 1
    ? ["1 frame was", "it"]
    : [`${lost} frames were`, "them"];
  throw new BridgeError(
    "channel_lost",
    `The host is not drained: ${frames} lost, sent to a client that ended before it had released ${them}: ${
      lastFailure?.message ?? "it is not known why"
    }`,
    { cause: lastFailure },
  );
}

/**
 * What a client does, as it has said: for the watch over one that hangs, and for the
 * failure of one that hangs or has died.
 *
 * @module
 */

import type { NumberedFrame } from "../channel/ports/sent_copies.ts";
import type { StatusWords } from "../channel/status_page.ts";
import { DOING, FIRST_CALL } from "../proto/wire/status_layout.ts";

/** The host's side of the channel, as far as the status needs it. */
export interface StatusChannel {
  /** The page that the client writes. */
  readonly status: { read(): StatusWords };
  /** Frames that the client was sent and has not released. */
  readonly out: number;
  /** As {@link out}, but for frames that the client only has to confirm. */
  readonly withPeer: number;
  /** The names of the client's inputs, in the order of the host's ports, each with the number of frames that were sent on it to earlier clients. */
  readonly sentBefore: ReadonlyMap<string, number>;
}

/** The host's requests, as far as the status needs them. */
export interface StatusRequests {
  /** Whether a request waits for the client's answer. */
  readonly isAsked: boolean;
  /** The names of the client's calls, in the order in which it declares them. */
  readonly callNames: readonly string[];
}

/** What the client of one connection does. */
export class ClientStatus {
  readonly #channel: StatusChannel;
  readonly #requests: StatusRequests;

  constructor(channel: StatusChannel, requests: StatusRequests) {
    this.#channel = channel;
    this.#requests = requests;
  }

  /** Whether frames or requests wait for it, or one of its functions runs. */
  get isBusy(): boolean {
    const { out, status } = this.#channel;
    return out > 0 || this.#requests.isAsked || status.read().doing !== 0;
  }

  /** The number of frames that it was sent and has not released. Those that it only has to confirm do not count. */
  get unreleased(): number {
    return this.#channel.withPeer;
  }

  /** The frame that was read last; undefined if it has not said so, or names none that there is. */
  get lastRead(): NumberedFrame | undefined {
    const { status, sentBefore } = this.#channel;
    const { port, frame } = status.read();
    const [name, before] = [...sentBefore][port - 1] ?? [];
    return name === undefined || before === undefined || frame === 0
      ? undefined
      : { port: name, number: before + frame };
  }

  /** The function that runs and the frame that was read last, as a part of a sentence; "" if it has not said so. Words that mean nothing are left out. */
  get text(): string {
    const { doing } = this.#channel.status.read();
    const call = this.#requests.callNames[doing - FIRST_CALL];
    const hook = doing === 0 ? undefined : DOING[doing];
    const last = this.lastRead;
    return [
      ...(hook === undefined ? [] : [`in ${hook}()`]),
      ...(call === undefined ? [] : [`in the call '${call}'`]),
      ...(last === undefined
        ? []
        : [`last frame read: number ${last.number} on '${last.port}'`]),
    ].join("; ");
  }
}

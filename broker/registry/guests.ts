/**
 * The open connections of one carrier, by process, and which of them makes room.
 *
 * @module
 */

import { SILENCE_MS } from "../../proto/limits.ts";
import type { Log } from "../log/log.ts";
import type { Incidents } from "./incidents.ts";
import type { ProcessIdentity } from "./process.ts";
import type { Shares } from "./shares.ts";

/** The dependencies of {@link Guests}. */
export interface GuestsOptions {
  /** The quota that each open connection counts for. */
  readonly shares: Shares;
  readonly incidents: Incidents;
  readonly log: Log;
  /** A clock in milliseconds. */
  now(): number;
}

/** An open connection. */
export interface Guest {
  /** Its process. */
  readonly process: ProcessIdentity | undefined;
  /** Notes that it has said something useful: it no longer has to make room for others. */
  useful(): void;
  /** Gives its place back. A second call has no effect. */
  leave(): void;
}

interface Seated extends Guest {
  readonly since: number;
  isSilent: boolean;
  readonly end: () => void;
}

/**
 * Admits connections. One that has said nothing useful yet is silent. When there is
 * no room for the next one, a silent one is ended: the oldest of the process that
 * has the most of them, so that a process with a single one is the last.
 */
export class Guests {
  readonly #options: GuestsOptions;
  /** In the order of their arrival. */
  readonly #seated = new Set<Seated>();

  /** @param options the dependencies */
  constructor(options: GuestsOptions) {
    this.#options = options;
  }

  /** The number of open connections. */
  get size(): number {
    return this.#seated.size;
  }

  /**
   * Admits a connection of `process`; `end` closes it, and must lead to `leave`.
   *
   * A process at its own limit loses a silent connection of its own that is older
   * than {@link SILENCE_MS}. If all places are taken, any process does, whatever the
   * age of the connection.
   *
   * @returns the guest, or why there is no room
   */
  admit(
    process: ProcessIdentity | undefined,
    end: () => void,
  ): Guest | string {
    const { shares, incidents, log, now } = this.#options;
    let refusal = shares.refusal(process);
    if (refusal !== undefined) {
      if (shares.used >= shares.limit) this.dismissOne();
      else this.#dismissOwn(process);
      refusal = shares.refusal(process);
    }
    if (refusal !== undefined) {
      const text = `Cannot connect: ${refusal}`;
      incidents.note("refused", log, text, process);
      return text;
    }
    shares.charge(process);
    const guest: Seated = {
      process,
      since: now(),
      isSilent: true,
      end,
      useful: () => void (guest.isSilent = false),
      leave: () => {
        if (this.#seated.delete(guest)) shares.discharge(process);
      },
    };
    this.#seated.add(guest);
    return guest;
  }

  /** Ends half of the silent connections, and at least one: no descriptor is left to accept with. */
  dismissHalf(): void {
    const silent = [...this.#seated].filter(({ isSilent }) => isSilent).length;
    for (let left = Math.ceil(silent / 2); left > 0; left--) this.dismissOne();
  }

  /** Ends a silent connection of the process that has the most of them. Returns whether there was one. */
  dismissOne(): boolean {
    const silent = [...this.#seated].filter(({ isSilent }) => isSilent);
    const byProcess = [
      ...Map.groupBy(silent, ({ process }) => process?.key).values(),
    ];
    const [oldest] = byProcess.reduce(
      (most, each) => each.length > most.length ? each : most,
      [],
    );
    if (oldest) this.#dismiss(oldest);
    return oldest !== undefined;
  }

  #dismissOwn(process: ProcessIdentity | undefined): void {
    const before = this.#options.now() - SILENCE_MS;
    for (const guest of this.#seated) {
      if (guest.process?.key !== process?.key) continue;
      if (guest.isSilent && guest.since <= before) return this.#dismiss(guest);
    }
  }

  #dismiss(guest: Seated): void {
    const { incidents, log, now } = this.#options;
    incidents.note(
      "silent",
      log,
      "a connection that had said nothing useful made room for another",
      guest.process,
      { silent_ms: Math.round(now() - guest.since) },
    );
    guest.leave();
    guest.end();
  }
}

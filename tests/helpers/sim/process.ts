/** One process of a simulated machine. */

import { Native } from "../../../ffi/native.ts";
import { Handles } from "./handles.ts";
import { SimListener } from "./listener.ts";
import type { Party, PartyWorld } from "./party.ts";
import { type Queued, type ShimProcess, simulatedShim } from "./shim.ts";
import type { Timeline } from "./timeline.ts";

/** The part of the machine that a process uses. */
export interface ProcessWorld extends PartyWorld {
  readonly timeline: Timeline;
  /** Makes another process. */
  process(name: string): SimProcess;
}

/** A process: its handles, its event queue, its JavaScript. */
export class SimProcess implements ShimProcess {
  readonly world: ProcessWorld;
  readonly name: string;
  readonly handles = new Handles();
  readonly parties = new Set<Party>();
  /** Events that were delivered and not drained. */
  queue: Queued[] = [];
  /** Rings its bell. */
  ring = (): void => {};
  /** Whether its last lease of the shim was released. */
  isClosed = false;
  isDead = false;
  /** Called when it has ended. */
  ended = (): void => {};
  readonly #posts = new Map<string, (() => void)[]>();
  readonly #partyCounts = new Map<string, number>();
  #native: Native | undefined;

  constructor(world: ProcessWorld, name: string) {
    this.world = world;
    this.name = name;
  }

  /** The real library over this process's shim. This object owns the lease. */
  get native(): Native {
    return this.#native ??= new Native(simulatedShim(this));
  }

  /** Returns a name for a party: its kind and a number. */
  nameParty(kind: string): string {
    const count = (this.#partyCounts.get(kind) ?? 0) + 1;
    this.#partyCounts.set(kind, count);
    return `${kind} ${count}`;
  }

  /** Posts a callback to run in this process, as one choice of the scheduler. Callbacks of the same name run in order. */
  post(name: string, callback: () => void): void {
    if (this.isDead) return;
    const posted = this.#posts.get(name);
    if (posted) posted.push(callback);
    else this.#posts.set(name, [callback]);
  }

  /** The names of the posted callbacks. */
  get posts(): string[] {
    return [...this.#posts.keys()];
  }

  /** Takes the first callback that was posted under `name`. */
  takePost(name: string): (() => void) | undefined {
    const posted = this.#posts.get(name);
    const first = posted?.shift();
    if (posted?.length === 0) this.#posts.delete(name);
    return first;
  }

  /** Parties whose first event can be delivered now, the oldest event first. */
  get deliverable(): Party[] {
    return this.#parties((heldUntil) => heldUntil <= this.world.timeline.now);
  }

  /** Parties whose first event is being delayed. */
  get held(): Party[] {
    return this.#parties((heldUntil) => heldUntil > this.world.timeline.now);
  }

  #parties(wanted: (heldUntil: number) => boolean): Party[] {
    if (this.isDead) return [];
    return [...this.parties]
      .filter((party) => party.isDeliverable && wanted(party.heldUntil))
      .sort((a, b) => a.inbox[0]!.order - b.inbox[0]!.order);
  }

  /** Moves the first event of `party` to the queue, or all its events. */
  deliver(party: Party, all: boolean): void {
    do {
      const event = party.take();
      if (event) this.queue.push({ source: party, event });
    } while (all && party.isDeliverable);
  }

  /** Removes a party whose handle was released. */
  drop(party: Party): void {
    party.release();
    this.parties.delete(party);
  }

  /** Returns a handle for a peer that is drained. */
  adopt(peer: Party): number {
    this.parties.add(peer);
    return peer.handle = this.handles.add("connection", peer);
  }

  /** What {@link end} will touch, or a little more. */
  touchedByEnd(): Map<string, "read" | "write"> {
    const told = new Map<Party, number>();
    const touched = new Map<string, "read" | "write">([[this.name, "write"]]);
    for (const party of this.parties) {
      for (const other of party.toldOfEnd()) {
        if (other.process.isDead || other.process === this) continue;
        const count = (told.get(other) ?? 0) + 1;
        told.set(other, count);
        touched.set(other.eventResource(count), "write");
        if (this.world.drainsAll) {
          touched.set(`${other.process.name}'s inboxes`, "read");
        }
      }
      for (const resource of party.touchedByEnd()) {
        touched.set(resource, "write");
      }
    }
    return touched;
  }

  /** Ends the process as the kernel does. */
  end(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.queue = [];
    this.#posts.clear();
    this.world.timeline.forget(this);
    const { parties } = this;
    // Listeners last, so that the ends of connections come before the ends of listeners.
    for (const party of parties) {
      if (!(party instanceof SimListener)) party.cancel();
    }
    for (const party of parties) {
      if (party instanceof SimListener) party.cancel();
    }
    this.ended();
  }
}

/** One process of a simulated machine. */

import { Native } from "../../../ffi/native.ts";
import type { SimConnection } from "./connection.ts";
import { Handles } from "./handles.ts";
import { SimListener } from "./listener.ts";
import type { Delivered, Party } from "./party.ts";
import { simulatedShim } from "./shim.ts";
import type { World } from "./world.ts";

/** An event that its process has not drained yet. */
export interface Queued {
  readonly source: Party;
  readonly event: Delivered;
}

/** A process: its handles, its event queue, its JavaScript. */
export class SimProcess {
  readonly world: World;
  readonly name: string;
  readonly handles = new Handles();
  readonly parties = new Set<Party>();
  /** What was delivered and not drained. */
  queue: Queued[] = [];
  /** Its bell. */
  ring = (): void => {};
  /** Whether its last lease of the shim was given back. */
  isClosed = false;
  isDead = false;
  /** Called when it has ended, however that was. */
  ended = (): void => {};
  readonly #posts = new Map<string, (() => void)[]>();
  readonly #partyCounts = new Map<string, number>();
  #native: Native | undefined;

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
  }

  /** The real library over this process's shim: the first lease, this object's own. */
  get native(): Native {
    return this.#native ??= new Native(simulatedShim(this));
  }

  /** A party's name: its kind and its number. */
  nameParty(kind: string): string {
    const count = (this.#partyCounts.get(kind) ?? 0) + 1;
    this.#partyCounts.set(kind, count);
    return `${kind} ${count}`;
  }

  /** Something to be run in this process, after what was posted under the same name before: one choice of the scheduler. */
  post(name: string, callback: () => void): void {
    if (this.isDead) return;
    const posted = this.#posts.get(name);
    if (posted) posted.push(callback);
    else this.#posts.set(name, [callback]);
  }

  /** The names under which something is posted. */
  get posts(): string[] {
    return [...this.#posts.keys()];
  }

  /** Takes the first that was posted under `name`. */
  takePost(name: string): (() => void) | undefined {
    const posted = this.#posts.get(name);
    const first = posted?.shift();
    if (posted?.length === 0) this.#posts.delete(name);
    return first;
  }

  /** Parties whose first event can be delivered now, the one that came first before the others. */
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

  /** Puts the first event of `party` on the queue, or all that it has. */
  deliver(party: Party, all: boolean): void {
    do {
      const event = party.take();
      if (event) this.queue.push({ source: party, event });
    } while (all && party.isDeliverable);
  }

  /** Drops a party's name: its handle was released, or nobody wanted it. */
  drop(party: Party): void {
    party.release();
    this.parties.delete(party);
  }

  /** A peer's handle, for whoever drains it. */
  adopt(peer: SimConnection): number {
    this.parties.add(peer);
    return peer.handle = this.handles.add("connection", peer);
  }

  /** What the kernel does when a process ends, however it ends. */
  end(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.queue = [];
    this.#posts.clear();
    this.world.timeline.forget(this);
    const { parties } = this;
    // Listeners last: what was said before is heard before.
    for (const party of parties) {
      if (!(party instanceof SimListener)) party.cancel();
    }
    for (const party of parties) {
      if (party instanceof SimListener) party.cancel();
    }
    this.ended();
  }
}

/**
 * What a simulated listener and a simulated connection share: a state, and an
 * inbox whose events are delivered one by one, in their order.
 */

import type { EndReason } from "../../../ffi/status.ts";
import type { Parcel } from "./parcel.ts";

/** The errors of a connection, with the header's numbers. */
export const ERROR = { invalid: 1, interrupted: 2 } as const;
/** One of {@link ERROR}. */
export type ErrorDetail = typeof ERROR[keyof typeof ERROR];

/** The part of the machine that a party uses. */
export interface PartyWorld {
  readonly drainsAll: boolean;
  /** The listeners of named services. */
  readonly services: Map<string, Party>;
  nextOrder(): number;
  touch(resource: string, access: "read" | "write"): void;
  maySend(process: PartyProcess): boolean;
}

/** The part of its process that a party uses. */
export interface PartyProcess {
  readonly name: string;
  readonly isDead: boolean;
  readonly world: PartyWorld;
  nameParty(kind: string): string;
}

/** Where the answer to a request goes. */
export interface ReplyTo {
  readonly by: Party;
  readonly id: number;
}

/** An event to deliver. */
export type Incoming =
  | {
    readonly kind: "message";
    readonly parcel: Parcel;
    readonly replyTo?: ReplyTo;
  }
  /** The answer to a request of this side; without a parcel if the connection ended first. */
  | {
    readonly kind: "answer";
    readonly request: number;
    readonly parcel?: Parcel;
    readonly detail?: ErrorDetail;
  }
  | { readonly kind: "peer"; readonly peer: Party }
  | {
    readonly kind: "error";
    readonly detail: ErrorDetail;
    readonly reason?: EndReason;
  }
  /** The other side has closed. When it is first in the inbox, it becomes failed answers and an error. */
  | { readonly kind: "end"; readonly listenerGone: boolean };

/** An event that the process gets. */
export type Delivered = Exclude<Incoming, { kind: "end" }>;

/** An event in its inbox. */
interface Waiting {
  readonly event: Incoming;
  /** Its place among all events of the machine. */
  readonly order: number;
  /** Its name among what steps touch: a step that adds an event comes before the one that delivers it. */
  readonly resource: string;
}

/** A listener or a connection. */
export abstract class Party {
  readonly process: PartyProcess;
  /** Its name in its process. It does not depend on the order of unrelated steps. */
  readonly label: string;
  /** The owner's handle; 0 before it is given and after it is released. */
  handle = 0;
  state: "inactive" | "active" | "invalid" = "inactive";
  /** Why it became invalid. */
  reason = "";
  /** Nothing is delivered before this time. */
  heldUntil = 0;
  inbox: Waiting[] = [];
  #added = 0;

  constructor(process: PartyProcess, label: string) {
    this.process = process;
    this.label = label;
  }

  /** Starts it. Another call has no effect. */
  abstract activate(): void;
  /** Ends it for its owner. Another call has no effect. */
  abstract cancel(): void;

  /** Whether its first event can be delivered now. */
  get isDeliverable(): boolean {
    return this.state !== "inactive" && this.inbox.length > 0;
  }

  /** Whether the first event is one that a peer can repeat. */
  get isRepeatable(): boolean {
    return this.inbox[0]?.event.kind === "message";
  }

  /** Duplicates the first event, as if the peer had sent it twice. */
  duplicateFirst(): void {
    const [first] = this.inbox;
    if (first?.event.kind !== "message") return;
    const { parcel, replyTo } = first.event;
    // The second answer is dropped.
    const event: Incoming = replyTo
      ? { kind: "message", parcel, replyTo: { ...replyTo, id: 0 } }
      : first.event;
    this.inbox.splice(1, 0, { ...first, event });
  }

  /** Adds an event to the inbox, unless the process is dead. */
  put(event: Incoming): void {
    const { name, isDead, world } = this.process;
    if (isDead) return;
    if (world.drainsAll) world.touch(`${name}'s inboxes`, "read");
    this.inbox.push(this.#waiting(event, world.nextOrder()));
  }

  /** Puts events in front of all others. */
  protected putFirst(events: readonly Incoming[]): void {
    const order = this.process.world.nextOrder();
    this.inbox.unshift(...events.map((event) => this.#waiting(event, order)));
  }

  #waiting(event: Incoming, order: number): Waiting {
    const { name, world } = this.process;
    // The peers of a listener come from different processes, in any order.
    const resource = event.kind === "peer"
      ? `${name}: ${this.label}, ${event.peer.label}`
      : this.eventResource(1);
    if (event.kind !== "peer") this.#added++;
    world.touch(resource, "write");
    return { event, order, resource };
  }

  /** The name of an event that will be added, as a resource; the next one is number 1. */
  eventResource(number: number): string {
    return `${this.process.name}: ${this.label}, event ${this.#added + number}`;
  }

  /** The parties that get an event when this one's process ends, once for each event. */
  abstract toldOfEnd(): readonly Party[];

  /** The other resources that the end of its process touches. */
  touchedByEnd(): readonly string[] {
    return [];
  }

  /** Takes the first event. The end of a link is replaced by what it causes. */
  take(): Delivered | undefined {
    const event = this.inbox.shift()?.event;
    if (event?.kind !== "end") return event;
    this.linkEnded(event.listenerGone);
    return this.take();
  }

  /** Handles the end of the other side. */
  protected abstract linkEnded(listenerGone: boolean): void;

  /** Releases it: nothing more is delivered. */
  release(): void {
    this.cancel();
    this.handle = 0;
    this.inbox = [];
  }
}

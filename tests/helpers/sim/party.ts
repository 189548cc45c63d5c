/**
 * What a simulated listener and a simulated connection share: a state, and an
 * inbox whose events are delivered one by one, in their order.
 */

import type { Parcel } from "./parcel.ts";
import type { SimConnection } from "./connection.ts";
import type { SimProcess } from "./process.ts";

/** What XPC says of a connection, by the header's numbers. */
export const ERROR = { invalid: 1, interrupted: 2 } as const;
/** One of {@link ERROR}. */
export type ErrorDetail = typeof ERROR[keyof typeof ERROR];

/** Where the answer to a request goes. */
export interface ReplyTo {
  readonly by: SimConnection;
  readonly id: number;
}

/** Something that waits to be delivered. */
export type Incoming =
  | {
    readonly kind: "message";
    readonly parcel: Parcel;
    readonly replyTo?: ReplyTo;
  }
  /** The answer to a request of this side's own; no parcel where the connection ended first. */
  | {
    readonly kind: "answer";
    readonly request: number;
    readonly parcel?: Parcel;
    readonly detail?: ErrorDetail;
  }
  | { readonly kind: "peer"; readonly peer: SimConnection }
  | { readonly kind: "error"; readonly detail: ErrorDetail }
  /** The other side has hung up: becomes answers and an error when it is the first. */
  | { readonly kind: "end"; readonly listenerGone: boolean };

/** What its process is told. */
export type Delivered = Exclude<Incoming, { kind: "end" }>;

/** An event in its inbox. */
export interface Waiting {
  readonly event: Incoming;
  /** When it came, among all events of the machine. */
  readonly order: number;
}

/** A listener or a connection. */
export abstract class Party {
  readonly process: SimProcess;
  /** Its name among the parties of its process: the same in every order of what does not concern it. */
  readonly label: string;
  /** The owner's handle; 0 before it is given and after it is released. */
  handle = 0;
  state: "inactive" | "active" | "invalid" = "inactive";
  /** Why it became invalid. */
  reason = "";
  /** Nothing is delivered before this time. */
  heldUntil = 0;
  inbox: Waiting[] = [];

  constructor(process: SimProcess, label: string) {
    this.process = process;
    this.label = label;
  }

  /** Starts it; again is harmless. */
  abstract activate(): void;
  /** Ends it, by its owner's wish; again is harmless. */
  abstract cancel(): void;

  /** Whether its first event can be delivered now. */
  get isDeliverable(): boolean {
    return this.state !== "inactive" && this.inbox.length > 0;
  }

  /** Whether the first event is one that a peer can repeat. */
  get isRepeatable(): boolean {
    return this.inbox[0]?.event.kind === "message";
  }

  /** The first event comes twice: the peer has said it twice. */
  duplicateFirst(): void {
    const [first] = this.inbox;
    if (first?.event.kind !== "message") return;
    const { parcel, replyTo } = first.event;
    // Nobody waits for the second answer.
    const event: Incoming = replyTo
      ? { kind: "message", parcel, replyTo: { ...replyTo, id: 0 } }
      : first.event;
    this.inbox.splice(1, 0, { event, order: first.order });
  }

  /** Puts an event at the end of the inbox, where there still is somebody to tell. */
  put(event: Incoming): void {
    const { name, isDead, world } = this.process;
    if (isDead) return;
    if (world.drainsAll) world.touch(`${name}'s inboxes`, "read");
    this.inbox.push({ event, order: world.nextOrder() });
  }

  /** Puts events in front of all others. */
  protected putFirst(events: readonly Incoming[]): void {
    const order = this.process.world.nextOrder();
    this.inbox.unshift(...events.map((event) => ({ event, order })));
  }

  /** The first event, ready to be told: the end of a link is taken apart. */
  take(): Delivered | undefined {
    const event = this.inbox.shift()?.event;
    if (event?.kind !== "end") return event;
    this.linkEnded(event.listenerGone);
    return this.take();
  }

  /** The other side has hung up. */
  protected abstract linkEnded(listenerGone: boolean): void;

  /** Lets go of it: nothing is delivered any more. */
  release(): void {
    this.cancel();
    this.handle = 0;
    this.inbox = [];
  }
}

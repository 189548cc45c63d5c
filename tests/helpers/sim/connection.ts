/**
 * Simulated connections, as `c/linux` has them: by name (connected when first
 * used, interrupted when the service goes, then usable again), by endpoint and
 * a listener's peers (invalid when the other side goes).
 */

import { SimListener } from "./listener.ts";
import type { Parcel } from "./parcel.ts";
import {
  ERROR,
  type ErrorDetail,
  type Incoming,
  Party,
  type PartyProcess,
  type ReplyTo,
} from "./party.ts";

/** The other end of a connection. */
export type Target =
  | { readonly service: string }
  | { readonly endpoint: SimListener }
  /** A peer of this listener. */
  | { readonly peerOf: SimListener };

type Message = Extract<Incoming, { kind: "message" }>;

/** One end of a conversation. */
export class SimConnection extends Party {
  readonly #target: Target;
  /** The connected end, until this end closes or learns that the other has closed. */
  other: SimConnection | undefined;
  /** Messages sent before it was active. */
  #outbox: Message[] = [];
  /** Requests without an answer, by the id that travels with them. */
  readonly #awaited = new Map<number, number>();
  #cancelled = false;
  #joins = 0;

  constructor(process: PartyProcess, target: Target, label?: string) {
    super(process, label ?? process.nameParty("connection"));
    this.#target = target;
  }

  // ---- life ----

  override activate(): void {
    if (this.state !== "inactive") return;
    this.state = "active";
    if (!("peerOf" in this.#target)) this.#connect();
    const outbox = this.#outbox;
    this.#outbox = [];
    for (const event of outbox) this.#transmit(event);
  }

  #connect(): void {
    const { world } = this.process;
    if ("service" in this.#target) {
      const { service } = this.#target;
      world.touch(`service ${service}`, "read");
      const listener = world.services.get(service);
      if (listener instanceof SimListener) this.#join(listener);
      else this.#invalidate(`no such service: nothing listens at ${service}`);
    } else if ("endpoint" in this.#target) {
      const { endpoint } = this.#target;
      world.touch(endpoint.resource, "read");
      if (endpoint.state === "invalid" || endpoint.process.isDead) {
        this.#invalidate(LISTENER_GONE);
        return;
      }
      this.#join(endpoint);
      endpoint.guests.add(this);
    }
  }

  #join(listener: SimListener): void {
    const name = `${this.process.name}'s ${this.label}`;
    const again = this.#joins++ === 0 ? "" : `, again ${this.#joins}`;
    this.other = new SimConnection(
      listener.process,
      { peerOf: listener },
      name + again,
    );
    this.other.other = this;
    listener.strangers.add(this.other);
  }

  /** Makes it invalid, for good. */
  #invalidate(reason: string): void {
    this.state = "invalid";
    this.reason = reason;
    for (const event of this.#unwind(ERROR.invalid)) this.put(event);
    this.put({ kind: "error", detail: ERROR.invalid });
    this.#hangUp();
  }

  /** Returns the failed answers of the pending requests. */
  #unwind(detail: ErrorDetail): Incoming[] {
    const requests = [...this.#awaited.values()];
    this.#awaited.clear();
    return requests.map((request) => ({ kind: "answer", request, detail }));
  }

  /** Closes this end. The other end is told, unless it has not been announced yet. */
  #hangUp(): void {
    const { other } = this;
    this.other = undefined;
    if ("endpoint" in this.#target) this.#target.endpoint.guests.delete(this);
    if (other?.other !== this) return;
    const { peerOf } = other.#target as { peerOf?: SimListener };
    if (!peerOf?.strangers.delete(other)) {
      other.put({ kind: "end", listenerGone: false });
    }
  }

  override toldOfEnd(): readonly Party[] {
    const { other } = this;
    if (other?.other !== this) return [];
    const { peerOf } = other.#target as { peerOf?: SimListener };
    return peerOf?.strangers.has(other) ? [] : [other];
  }

  override cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    if (this.state === "invalid") {
      this.inbox = this.inbox.filter(({ event }) =>
        event.kind === "answer" || event.kind === "error"
      );
      return;
    }
    this.inbox = [];
    this.#outbox = [];
    this.#invalidate("cancelled by this process");
  }

  protected override linkEnded(listenerGone: boolean): void {
    if (this.state === "invalid") return;
    const answers = this.#unwind(ERROR.interrupted);
    if ("service" in this.#target) {
      this.other = undefined;
      this.putFirst([
        ...answers,
        { kind: "error", detail: ERROR.interrupted },
      ]);
      return;
    }
    this.state = "invalid";
    this.reason = listenerGone
      ? LISTENER_GONE
      : "the other side has closed the connection or died";
    this.inbox = [];
    this.putFirst([...answers, { kind: "error", detail: ERROR.invalid }]);
    this.#hangUp();
  }

  // ---- messages ----

  /** Sends a message. `request` is the number of the request that waits for a reply. */
  send(parcel: Parcel, request?: number): void {
    if (!this.process.world.maySend(this.process)) return;
    if (this.state === "invalid") {
      if (request === undefined) return;
      this.put({ kind: "answer", request, detail: ERROR.invalid });
      return;
    }
    let event: Message = { kind: "message", parcel };
    if (request !== undefined) {
      const id = this.process.world.nextOrder();
      this.#awaited.set(id, request);
      event = { ...event, replyTo: { by: this, id } };
    }
    if (this.state === "inactive") this.#outbox.push(event);
    else this.#transmit(event);
  }

  #transmit(event: Message): void {
    if (this.state === "invalid") return;
    if (!this.other && "service" in this.#target) this.#connect();
    const { other } = this;
    // An end that has closed takes nothing; this end has not been told yet.
    if (other?.other === this) other.#receive(event);
  }

  #receive(event: Incoming): void {
    const { peerOf } = this.#target as { peerOf?: SimListener };
    this.put(event);
    if (peerOf?.strangers.has(this)) peerOf.announce(this);
  }

  /** Sends the answer to a request; `undefined` says that there will be none. */
  answer(to: ReplyTo, parcel: Parcel | undefined): void {
    if (this.process.isDead || !this.process.world.maySend(this.process)) {
      return;
    }
    const { other } = this;
    if (!other || other !== to.by || other.other !== this) return;
    const request = other.#awaited.get(to.id);
    if (request === undefined) return;
    other.#awaited.delete(to.id);
    other.put(
      parcel
        ? { kind: "answer", request, parcel }
        : { kind: "answer", request, detail: ERROR.interrupted },
    );
  }
}

const LISTENER_GONE = "the endpoint's listener was cancelled or has died";

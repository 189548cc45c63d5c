/** Simulated listeners: anonymous, or of a named service. */

import { END_REASON } from "../../../ffi/status.ts";
import { ERROR, Party, type PartyProcess } from "./party.ts";

/** A listener. */
export class SimListener extends Party {
  /** The service that it serves; `undefined` for an anonymous one. */
  readonly service: string | undefined;
  /** Ends of connections that have not sent a message yet. */
  readonly strangers = new Set<Party>();
  /** Connections through its endpoint; they end with the listener. */
  readonly guests = new Set<Party>();

  constructor(process: PartyProcess, service?: string) {
    super(process, process.nameParty("listener"));
    this.service = service;
  }

  override activate(): void {
    if (this.state !== "inactive") return;
    this.state = "active";
    if (this.service === undefined) return;
    const { services } = this.process.world;
    this.process.world.touch(`service ${this.service}`, "write");
    if (services.has(this.service)) {
      this.#end(
        `another process already serves this name (pid ${Deno.pid})`,
      );
      this.put({
        kind: "error",
        detail: ERROR.invalid,
        reason: END_REASON.inUse,
      });
    } else {
      services.set(this.service, this);
    }
  }

  override cancel(): void {
    if (this.state === "invalid") return;
    this.#end("cancelled by this process");
    this.put({ kind: "error", detail: ERROR.invalid });
  }

  override toldOfEnd(): readonly Party[] {
    const announced = this.inbox.flatMap(({ event }) =>
      event.kind === "peer" ? [event.peer] : []
    );
    return [
      ...[...this.strangers, ...announced].flatMap((one) => one.toldOfEnd()),
      ...this.guests,
    ];
  }

  override touchedByEnd(): readonly string[] {
    if (this.state === "invalid") return [];
    return this.service === undefined
      ? [this.resource]
      : [this.resource, `service ${this.service}`];
  }

  #end(reason: string): void {
    const { world } = this.process;
    world.touch(this.resource, "write");
    this.state = "invalid";
    this.reason = reason;
    if (
      this.service !== undefined && world.services.get(this.service) === this
    ) {
      world.touch(`service ${this.service}`, "write");
      world.services.delete(this.service);
    }
    for (const stranger of this.strangers) stranger.cancel();
    this.strangers.clear();
    for (const { event } of this.inbox) {
      if (event.kind === "peer") event.peer.cancel();
    }
    this.inbox = [];
    for (const guest of this.guests) {
      guest.put({ kind: "end", listenerGone: true });
    }
    this.guests.clear();
  }

  /** The name of the listener as a resource: two steps that touch it do not commute. */
  get resource(): string {
    return `${this.process.name} ${this.label}`;
  }

  /** Announces a stranger that has sent its first message. */
  announce(stranger: Party): void {
    this.process.world.touch(`${this.resource} peers`, "write");
    this.strangers.delete(stranger);
    this.put({ kind: "peer", peer: stranger });
  }

  protected override linkEnded(): void {
    throw new Error("a listener has no other side");
  }
}

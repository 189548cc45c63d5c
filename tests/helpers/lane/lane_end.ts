/** One side of a lane: its transport, in a simulated connection, and what has come to it. */

import { LaneTransport } from "../../../channel/lane/lane_transport.ts";
import type { Lease } from "../../../channel/memory/lease.ts";
import {
  type FrameMaker,
  type FrameValues,
  LeasedFrame,
} from "../../../channel/memory/leased_frame.ts";
import { MemoryTable } from "../../../channel/memory/memory_table.ts";
import { OfferedMemory } from "../../../channel/memory/offered_memory.ts";
import { IncomingPort } from "../../../channel/ports/incoming_port.ts";
import { Releases } from "../../../channel/releases.ts";
import type {
  FrameQueue,
  PortWriter,
  SentMemory,
} from "../../../channel/transport.ts";
import type { Native } from "../../../ffi/native.ts";
import type { BridgeError } from "../../../proto/errors.ts";
import type { Schema } from "../../../proto/schema/field_type.ts";
import { port } from "../../../proto/schema/port.ts";
import type { XpcDictionary } from "../../../proto/wire/xpc_value.ts";
import { LimitClock } from "../limit_clock.ts";
import type { FakeLane } from "./fake_lane.ts";

/** The memory of a frame that has none. */
export const NO_MEMORY: SentMemory = {
  pieceOf: () => {
    throw new Error("the frame has no memory");
  },
  offerPieces: () => {},
};

/** What has come, and what it is. */
export type Arrived = readonly [what: string, value: unknown];

/** The frames of one port that have come. */
class Queue<S extends Schema> implements FrameQueue {
  readonly inOrder = true;
  readonly capacity = 100;
  readonly schema: S;
  dropped = 0;
  hasEnd = false;
  readonly came: FrameValues[] = [];
  readonly leases: Lease[] = [];
  readonly held = { count: 0 };
  readonly #name: string;
  readonly #end: LaneEnd<S>;
  readonly #make: FrameMaker;
  /** The lease of the frame that was made last. */
  #made: Lease | undefined;

  constructor(name: string, end: LaneEnd<S>) {
    this.#name = name;
    this.#end = end;
    this.schema = end.schema;
    this.#make = LeasedFrame.maker(end.schema);
  }

  frame(lease: Lease): LeasedFrame {
    this.#made = lease;
    return this.#make(lease);
  }

  put(frame: LeasedFrame): void {
    const values = { ...frame };
    this.came.push(values);
    this.leases.push(this.#made!);
    this.#end.log.push([this.#name, values]);
    this.#end.react?.();
  }

  putEnd(): void {
    this.hasEnd = true;
    this.#end.log.push(["end", this.#name]);
  }
}

/**
 * One side. Each direction has the ports `ticks` and `tocks`, of the same schema.
 * What it sends as messages waits in `sent` until the test delivers it.
 */
export class LaneEnd<S extends Schema> {
  readonly lane: FakeLane;
  readonly schema: S;
  readonly transport: LaneTransport;
  readonly clock = new LimitClock();
  readonly queues: { readonly ticks: Queue<S>; readonly tocks: Queue<S> };
  readonly sent: XpcDictionary[] = [];
  /** Everything that has come, in order: frames, under the name of their port, and what follows. */
  readonly log: Arrived[] = [];
  readonly handled: XpcDictionary[] = [];
  readonly released: number[] = [];
  readonly problems: string[] = [];
  readonly failures: BridgeError[] = [];
  /** Called when a frame has come, while records are read. */
  react: (() => void) | undefined;
  /** Sends on `ticks`. */
  readonly writer: PortWriter<S>;
  peerDropped = 0;
  #lastFrame = 0;

  constructor(lane: FakeLane, isHost: boolean, schema: S, sleeps = false) {
    this.lane = lane;
    this.schema = schema;
    this.queues = {
      ticks: new Queue("ticks", this),
      tocks: new Queue("tocks", this),
    };
    const { log } = this;
    const releases: Releases = new Releases({
      send: (batch) => this.transport.sendReleases(batch),
      dropped: () => this.queues.ticks.dropped,
      failed: (error) => {
        throw error;
      },
    });
    const events = { copies: { bytes: 0 }, releases, givenAway: () => {} };
    const ports = new Map(
      Object.entries(this.queues).map(([name, queue]) => [
        name,
        new IncomingPort(name, queue, events),
      ]),
    );
    this.transport = new LaneTransport(
      {
        clock: this.clock,
        takeFrameId: () => ++this.#lastFrame,
        releases,
        table: new MemoryTable({} as Native, () => {}),
        offered: new OfferedMemory(() => {}, () => {}),
        ports,
        stir: () => {},
        drain: () => {},
        send: (message) => this.#sendNumbered(message),
        failed: (error) => void this.failures.push(error),
        memoryReleased: (id, generation) =>
          void log.push(["piece", [Number(id), Number(generation)]]),
        frameReleased: (id) => {
          this.released.push(Number(id));
          log.push(["frame", Number(id)]);
        },
        peerDropped: (count) => {
          this.peerDropped = Number(count);
          log.push(["dropped", Number(count)]);
        },
        problem: (_, text) => {
          this.problems.push(text);
          log.push(["problem", text]);
        },
      },
      lane.native,
      { isMaker: isHost, sleeps },
    );
    const terms = port(schema);
    const agreed = new Map([["ticks", terms], ["tocks", terms]]);
    this.transport.agree(agreed, agreed);
    this.writer = this.transport.writer("ticks", schema, terms);
  }

  #sendNumbered(message: XpcDictionary): void {
    this.sent.push({ ...message, ...this.transport.numbered() });
    this.transport.wasSent();
  }

  /** Sends a control message. */
  control(text: string): void {
    this.#sendNumbered({ text });
  }

  /** A message of the other side comes. */
  receive(message: XpcDictionary): void {
    if (!this.transport.arrived(message)) return;
    const record = message["record"];
    if (record instanceof Uint8Array) this.transport.receiveRecord(record);
    else {
      this.handled.push(message);
      this.log.push(["message", message]);
    }
    this.transport.poll();
  }
}

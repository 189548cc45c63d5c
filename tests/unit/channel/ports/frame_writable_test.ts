import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { Lease } from "../../../../channel/memory/lease.ts";
import { LeasedFrame } from "../../../../channel/memory/leased_frame.ts";
import { FrameWritable } from "../../../../channel/ports/frame_writable.ts";
import type { ReceivedFrame } from "../../../../channel/ports/frame_receiver.ts";
import { RoomWaits } from "../../../../channel/ports/room_waits.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import { DataFrame } from "../../../../proto/schema/frames/data_frame.ts";
import { soon } from "../../../helpers/soon.ts";

/** Tests of a sending port as a stream: when it takes a frame, and what becomes of those that it has not sent. */

type Data = typeof DataFrame;

/** A port that sends into a list. */
class WriteStage {
  /** How many frames may be sent. */
  room: number;
  failure: Error | undefined;
  readonly sent: number[] = [];
  hasEnd = false;
  /** The leases that have not ended. */
  leases = 0;
  readonly writable: FrameWritable<Data>;
  readonly stream: WritableStream<ReceivedFrame<Data>>;
  readonly #waits = new RoomWaits({
    isOpen: true,
    poll: () => {},
    spin: () => false,
    turn: () => undefined,
    mayStall: () => {},
  }, () => this.failure);
  readonly #hasRoom = (): boolean => this.room > 0;
  readonly #make = LeasedFrame.maker(DataFrame);

  constructor(room: number) {
    this.room = room;
    const waits = this.#waits;
    this.writable = new FrameWritable<Data>({
      get over() {
        return waits.end;
      },
      canSend: (frame) => {
        LeasedFrame.leaseToSend(frame, "ticks");
        return this.room > 0;
      },
      roomFor: () => waits.until(this.#hasRoom),
      send: (frame) => {
        LeasedFrame.leaseToSend(frame, "ticks").end("sent");
        this.room--;
        this.sent.push(Number(frame.timestamp_ns));
        return true;
      },
      end: () => {
        this.hasEnd = true;
        this.fail(new BridgeError("closed", "it was ended"));
      },
    });
    this.stream = this.writable.stream;
  }

  give(room: number): void {
    this.room += room;
    this.#waits.changed();
  }

  fail(error: Error): void {
    this.failure = error;
    this.#waits.fail(error);
  }

  frame(number: number): ReceivedFrame<Data> {
    const lender = {
      name: "ticks",
      copies: { bytes: 0 },
      leaseCount: 0,
      leaseEnded: () => void this.leases--,
    };
    this.leases++;
    return this.#make(new Lease(lender), {
      data: new Uint8Array(0),
      schema_name: "tick",
      timestamp_ns: BigInt(number),
    }) as unknown as ReceivedFrame<Data>;
  }
}

/** Lets everything happen that waits for nothing. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** What a promise rejects with. */
function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return soon(promise.then(() => "no error", (error) => error), "an error");
}

Deno.test("a stream has room for one frame when its port has", async () => {
  const stage = new WriteStage(0);
  const writer = stage.stream.getWriter();
  await settled();
  assertEquals(writer.desiredSize, 0);
  stage.give(2);
  await soon(writer.ready, "room");
  assertEquals(writer.desiredSize, 1);
  await soon(writer.write(stage.frame(1)), "the first");
  assertEquals(writer.desiredSize, 1);
  const second = writer.write(stage.frame(2));
  await settled();
  assertEquals([writer.desiredSize, stage.sent], [0, [1, 2]]);
  stage.give(1);
  await soon(second, "room behind the second");
  await soon(writer.ready, "room");
  assertEquals(stage.leases, 0);
});

Deno.test("frames that are written without waiting are sent in order, each when there is room", async () => {
  const stage = new WriteStage(1);
  const writer = stage.stream.getWriter();
  const writes = [1, 2, 3, 4].map((n) => writer.write(stage.frame(n)));
  await settled();
  assertEquals([stage.sent, stage.leases], [[1], 3]);
  stage.give(2);
  await settled();
  assertEquals([stage.sent, stage.leases], [[1, 2, 3], 1]);
  stage.give(2);
  await soon(Promise.all(writes), "all");
  await soon(writer.close(), "the close");
  assertEquals([stage.sent, stage.leases], [[1, 2, 3, 4], 0]);
});

Deno.test("a close ends the port behind what was written", async () => {
  const stage = new WriteStage(2);
  const writer = stage.stream.getWriter();
  void writer.write(stage.frame(1));
  const closing = writer.close();
  assertEquals(stage.hasEnd, false);
  await soon(closing, "the close");
  assertEquals([stage.sent, stage.hasEnd], [[1], true]);
  await soon(writer.closed, "closed");
});

Deno.test("a frame that is written after the close was called is disposed with the close", async () => {
  const stage = new WriteStage(2);
  const writer = stage.stream.getWriter();
  const closing = writer.close();
  await assertRejects(() => writer.write(stage.frame(1)), TypeError);
  await soon(closing, "the close");
  assertEquals([stage.sent, stage.leases], [[], 0]);
});

Deno.test("an abort disposes what was written and not sent, and does not end the port", async () => {
  for (const room of [0, 1, 2]) {
    const stage = new WriteStage(room);
    const writer = stage.stream.getWriter();
    const writes = [1, 2, 3].map((n) => errorOf(writer.write(stage.frame(n))));
    await settled();
    const reason = new Error("enough");
    await soon(writer.abort(reason), "the abort");
    assertEquals(stage.sent, [1, 2].slice(0, room));
    assertEquals([stage.leases, stage.hasEnd], [0, false]);
    const errors = await Promise.all(writes);
    // The one that was sent last had been sent: it waited for the room of the next.
    errors.forEach((error, index) =>
      assertEquals(error, index < room ? "no error" : reason)
    );
    assertStrictEquals(await errorOf(writer.closed), reason);
  }
});

Deno.test("an abort ends the wait of a frame whose room was taken by another, and disposes it", async () => {
  const stage = new WriteStage(1);
  const writer = stage.stream.getWriter();
  await soon(writer.ready, "room");
  await settled();
  stage.room = 0;
  const writing = errorOf(writer.write(stage.frame(1)));
  await settled();
  assertEquals([stage.sent, stage.leases], [[], 1]);
  const reason = new Error("enough");
  await soon(writer.abort(reason), "the abort");
  assertStrictEquals(await writing, reason);
  assertEquals(stage.leases, 0);
});

Deno.test("the failure of the port fails the stream, also while nobody writes, and disposes what was written", async () => {
  for (const [room, written] of [[0, 0], [3, 0], [1, 3], [0, 2]] as const) {
    const stage = new WriteStage(room);
    const writer = stage.stream.getWriter();
    await settled();
    const writes = Array.from(
      { length: written },
      (_, n) => errorOf(writer.write(stage.frame(n))),
    );
    await settled();
    const failure = new BridgeError("channel_lost", "gone");
    stage.fail(failure);
    assertStrictEquals(await errorOf(writer.closed), failure);
    const errors = await Promise.all(writes);
    assertEquals(
      errors,
      errors.map((_, index) => index < room ? "no error" : failure),
    );
    assertEquals(stage.leases, 0);
  }
});

Deno.test("a port that has ended before its stream is used fails it", async () => {
  const stage = new WriteStage(0);
  const failure = new BridgeError("closed", "it was ended");
  stage.fail(failure);
  assertStrictEquals(
    await errorOf(stage.stream.getWriter().write(stage.frame(1))),
    failure,
  );
  assertEquals(stage.leases, 0);
});

Deno.test("what is no frame, or was sent before, fails the stream, and the frames behind it are disposed", async () => {
  for (const kind of ["an object", "a frame of before"] as const) {
    const stage = new WriteStage(5);
    const writer = stage.stream.getWriter();
    const frame = stage.frame(1);
    await soon(writer.write(frame), "the first");
    const bad = kind === "an object" ? { ...frame } as typeof frame : frame;
    const writes = [bad, stage.frame(2)].map((one) =>
      errorOf(writer.write(one))
    );
    for (const error of await Promise.all(writes)) {
      assertEquals((error as BridgeError).code, "bad_argument");
    }
    assertEquals([stage.sent, stage.leases], [[1], 0]);
  }
});

import { assert, assertEquals } from "@std/assert";
import { UnreadFrames } from "../../../../channel/ports/unread_frames.ts";
import { MAX_UNREAD_BYTES } from "../../../../proto/limits.ts";

Deno.test("unread frames: the oldest is taken first, and it is full by number", () => {
  const unread = new UnreadFrames<string>();
  assertEquals(unread.shift(), undefined);
  for (const frame of ["a", "b"]) unread.push(frame, 10);
  assert(!(unread.isFull(3)));
  assert(unread.isFull(2));
  assertEquals([unread.shift(), unread.size], ["a", 1]);
  assert(!(unread.isFull(2)));
});

Deno.test("unread frames: it is full by bytes, until a frame was taken", () => {
  const unread = new UnreadFrames<string>();
  unread.push("a", 1);
  unread.push("b", MAX_UNREAD_BYTES - 1);
  assert(unread.isFull(100));
  unread.shift();
  assert(!(unread.isFull(100)));
});

Deno.test("unread frames: a peer has the whole capacity, whatever the one before it has left", () => {
  const unread = new UnreadFrames<string>();
  for (const frame of ["a", "b"]) unread.push(frame, MAX_UNREAD_BYTES / 2);
  assert(unread.hasNoRoomForPeer(2));
  unread.inherit();
  assert(!(unread.hasNoRoomForPeer(2)));
  for (const frame of ["c", "d"]) unread.push(frame, 1);
  assert(unread.hasNoRoomForPeer(2));
  // What is read first is the earlier peer's: the current one gets no room by it.
  assertEquals([unread.shift(), unread.shift()], ["a", "b"]);
  assert(unread.hasNoRoomForPeer(2));
  assertEquals(unread.shift(), "c");
  assert(!(unread.hasNoRoomForPeer(2)));
});

Deno.test("unread frames: a peer may leave a full queue, and no more", () => {
  const unread = new UnreadFrames<string>();
  unread.push("a", 2 * MAX_UNREAD_BYTES);
  assert(!(unread.isOverfull(1)));
  unread.push("b", 1);
  assert(unread.isOverfull(1) && unread.isOverfull(2));
  unread.shift();
  assert(!(unread.isOverfull(1)));
});

Deno.test("unread frames: when all were taken, nothing counts any more", () => {
  const unread = new UnreadFrames<string>();
  unread.push("a", MAX_UNREAD_BYTES);
  unread.inherit();
  assertEquals(unread.shift(), "a");
  assertEquals([unread.size, unread.isFull(1)], [0, false]);
  unread.push("b", 1);
  assert(unread.hasNoRoomForPeer(1));
});

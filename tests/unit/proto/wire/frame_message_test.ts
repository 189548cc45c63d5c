import { assertEquals, assertThrows } from "@std/assert";
import {
  frameMessage,
  parseFrameMessage,
} from "../../../../proto/wire/frame_message.ts";
import {
  Capability,
  int64,
  uint64,
  type XpcDictionary,
} from "../../../../proto/wire/xpc_value.ts";

const FIELDS: XpcDictionary = {
  port_name: "a field of that name",
  n: int64(1),
};
const MESSAGE: XpcDictionary = {
  msg_type: "frame",
  frame_id: uint64(7),
  port_name: "video",
  fields: FIELDS,
};

Deno.test("a frame's message is as the protocol says, and read back", () => {
  const message = frameMessage(7n, "video", FIELDS);
  assertEquals(message, MESSAGE);
  assertEquals(parseFrameMessage(message), {
    frame_id: 7n,
    port_name: "video",
    fields: FIELDS,
  });
});

Deno.test("frame ids are unsigned, of 64 bits", () => {
  const last = 2n ** 64n - 1n;
  const parsed = parseFrameMessage(frameMessage(last, "video", {}));
  assertEquals(parsed, { frame_id: last, port_name: "video", fields: {} });
  assertThrows(() => frameMessage(last + 1n, "video", {}), RangeError);
  assertThrows(() => frameMessage(-1n, "video", {}), RangeError);
});

Deno.test("an older peer's bare handle is found, a newer peer's keys are ignored", () => {
  const handle = new Capability("surface", 3);
  assertEquals(parseFrameMessage({ ...MESSAGE, handle, priority: int64(1) }), {
    frame_id: 7n,
    port_name: "video",
    fields: FIELDS,
    handle,
  });
});

Deno.test("a message that lacks something says what", () => {
  const without = (part: XpcDictionary, why: string): void =>
    assertEquals(parseFrameMessage({ ...MESSAGE, ...part }), why);
  const needs = "a frame's message needs";
  without({ frame_id: undefined }, `${needs} 'frame_id', of type uint64`);
  without({ frame_id: int64(7) }, `${needs} 'frame_id', of type uint64`);
  without({ port_name: undefined }, `${needs} 'port_name', of type string`);
  without({ port_name: null }, `${needs} 'port_name', of type string`);
  without({ fields: undefined }, `${needs} 'fields', of type dictionary`);
  without({ fields: [] }, `${needs} 'fields', of type dictionary`);
});

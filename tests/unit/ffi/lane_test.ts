import { assert, assertEquals, assertThrows } from "@std/assert";
import { Socket } from "node:net";
import { NativeBuffer } from "../../../ffi/buffer.ts";
import { NativeLane } from "../../../ffi/lane.ts";
import { Native } from "../../../ffi/native.ts";
import { BridgeError } from "../../../proto/errors.ts";
import { Capability } from "../../../proto/wire/xpc_value.ts";
import type { Given } from "../../fixtures/lane_echo.ts";
import { permittedTest } from "../../helpers/permitted.ts";
import { soon } from "../../helpers/soon.ts";

const SLOTS = 16;

/** Both halves of a lane in this isolate, with each other's bells. */
class Halves implements Disposable {
  readonly native: Native = Native.open();
  readonly host: NativeLane = NativeLane.create(this.native, SLOTS);
  readonly client: NativeLane;

  constructor() {
    using memory = this.host.memory();
    this.client = NativeLane.open(this.native, memory.borrow());
    using hosts = this.host.bell(), clients = this.client.bell();
    this.client.connect(hosts.borrow());
    this.host.connect(clients.borrow());
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
    this.host[Symbol.dispose]();
    this.native[Symbol.dispose]();
  }
}

function codeOf(body: () => unknown): string {
  return assertThrows(body, BridgeError).code;
}

Deno.test("both halves of a lane see the same memory and each other's heads", () => {
  using halves = new Halves();
  const { host, client } = halves;
  assertEquals([host.slots, client.slots], [SLOTS, SLOTS]);
  assertEquals(host.buffer.byteLength, 4096 + 2 * 64 * SLOTS);
  assertEquals(client.buffer.byteLength, host.buffer.byteLength);
  new Uint8Array(host.buffer)[4096] = 77;
  assertEquals(new Uint8Array(client.buffer)[4096], 77);
  assertEquals(host.publish(3), true); // a lane starts as announced
  assertEquals(host.publish(5), false);
  assertEquals(client.spin(0, 0), 5);
  assertEquals(client.spin(0, 50_000), 5);
  assertEquals(host.spin(0, 0), 0);
});

Deno.test("a publish rings only for an announced sleep", () => {
  using halves = new Halves();
  const { host, client } = halves;
  host.publish(1);
  assertEquals(client.announcements, 1);
  assertEquals(client.sleep(0), false); // it has moved
  assertEquals(host.publish(2), false);
  assertEquals(client.sleep(2), true);
  client.wake();
  assertEquals(host.publish(3), false);
  assertEquals(client.sleep(3), true);
  assertEquals(host.publish(4), true);
  assertEquals(client.announcements, 4);
});

Deno.test("a wait without an event loop says why it ended", () => {
  using halves = new Halves();
  const { host, client } = halves;
  assertEquals(client.wait(0, 1), "timeout");
  host.publish(1);
  assertEquals(client.wait(0, 0), "moved");
  assertEquals(client.announcements, 3);
});

Deno.test("rings reach the event loop, with their number", async () => {
  using halves = new Halves();
  const { host, client } = halves;
  let rings = 0, rung = Promise.withResolvers<void>();
  client.listen((count) => {
    rings += count;
    rung.resolve();
  }, () => rung.reject(new Error("shut")));
  for (let head = 1; head <= 5; head++) {
    assert(host.publish(head));
    await soon(rung.promise, "a ring");
    rung = Promise.withResolvers<void>();
    client.wake();
    assert(client.sleep(head));
    assertEquals(rings, head);
  }
  assertEquals(rings + 1, client.announcements);
});

Deno.test("a bell that the other side shuts down is told once", async () => {
  using halves = new Halves();
  const { client, native } = halves;
  const shut = Promise.withResolvers<void>();
  client.listen(() => shut.reject(new Error("rung")), shut.resolve);
  using bell = client.bell();
  const descriptor = native.symbols.slb_fd_dup(bell.borrow().handle);
  const hostile = new Socket({ fd: descriptor, writable: true });
  hostile.end();
  await soon(shut.promise, "the end of the bell");
  assertEquals(client.wait(0, 60_000), "shut");
  hostile.destroy();
});

Deno.test("what cannot be a lane or a bell is refused by name", () => {
  using native = Native.open();
  for (const slots of [0, 8, 24, 8192]) {
    assertEquals(
      codeOf(() => NativeLane.create(native, slots)),
      "bad_argument",
    );
  }
  using buffer = NativeBuffer.create(native, 8192);
  assertEquals(
    codeOf(() => NativeLane.open(native, buffer.borrow())),
    "bad_argument",
  );
  using lane = NativeLane.create(native, SLOTS);
  assertEquals(codeOf(() => lane.publish(SLOTS + 1)), "bad_argument");
  const none = new Capability("fd", 0);
  assertEquals(codeOf(() => lane.connect(none)), "native_failure");
});

Deno.test("a disposed lane reads nothing and refuses everything", () => {
  const halves = new Halves();
  const { host, client } = halves;
  const bytes = new Uint8Array(host.buffer);
  halves[Symbol.dispose]();
  halves.host[Symbol.dispose](); // again: nothing happens
  assertEquals([bytes.length, host.buffer.byteLength], [0, 0]);
  const uses: (() => unknown)[] = [
    () => host.publish(1),
    () => host.sleep(0),
    () => host.wake(),
    () => host.wait(0, 0),
    () => host.memory(),
    () => client.bell(),
    () => client.listen(() => {}, () => {}),
  ];
  for (const use of uses) assertEquals(codeOf(use), "native_failure");
  assertEquals(client.spin(12, 1000), 12);
});

permittedTest("a Worker that blocks and an event loop wake each other", {
  read: true,
}, async () => {
  using native = Native.open();
  using lane = NativeLane.create(native, SLOTS);
  using memory = lane.memory(), bell = lane.bell();
  const worker = new Worker(
    new URL("../../fixtures/lane_echo.ts", import.meta.url),
    { type: "module" },
  );
  const ended = Promise.withResolvers<unknown>();
  const answered = Promise.withResolvers<number>();
  worker.onmessage = ({ data }) =>
    data === "ended" ? ended.resolve(data) : answered.resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    for (const one of [ended, answered]) one.reject(new Error(event.message));
  };
  const given: Given = {
    memory: memory.borrow().handle,
    bell: bell.borrow().handle,
  };
  worker.postMessage(given);
  lane.connect(
    new Capability("fd", await soon(answered.promise, "the Worker's bell")),
  );
  let rings = 0, rung = Promise.withResolvers<void>();
  lane.listen((count) => {
    rings += count;
    rung.resolve();
  }, () => rung.reject(new Error("shut")));
  const slots = new Uint32Array(lane.buffer, 4096);
  const turns = 500;
  for (let at = 0; at < turns; at++) {
    const number = turns - 1 - at; // 0 ends it
    slots[at % SLOTS * 16] = number;
    lane.publish(at + 1);
    while (lane.sleep(at)) {
      await soon(rung.promise, "a ring");
      rung = Promise.withResolvers<void>();
      lane.wake();
    }
    assertEquals(slots[SLOTS * 16 + at % SLOTS * 16], number + 1);
  }
  assert(rings <= lane.announcements);
  await soon(ended.promise, "the Worker's end");
  worker.terminate();
});

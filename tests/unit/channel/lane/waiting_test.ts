import { assert, assertEquals } from "@std/assert";
import { nextTurn } from "../../../../channel/activity.ts";
import { counterAt, RingReader } from "../../../../channel/lane/rings.ts";
import { LaneWaiting } from "../../../../channel/lane/waiting.ts";
import type { LaneWait } from "../../../../ffi/lane.ts";
import { LANE_ASLEEP, LANE_MAX_RINGS } from "../../../../proto/lane/layout.ts";
import { FakeLane } from "../../../helpers/lane/fake_lane.ts";

/** A client's waits for a host that publishes slots. What the waits ask for is in `said`. */
class Waits {
  readonly host: FakeLane;
  readonly client: FakeLane;
  readonly waiting: LaneWaiting;
  readonly said: string[] = [];
  #head = 0;

  constructor() {
    [this.host, this.client] = FakeLane.pair(16);
    const reader = new RingReader(this.client.native, this.client.views, 0);
    this.waiting = new LaneWaiting(this.client.native, reader, false, {
      read: () => this.said.push(`read ${reader.look()}`),
      sleeps: () => this.said.push("sleeps"),
      drain: () => this.said.push("drain"),
      misused: (why) => this.said.push(why),
    });
  }

  /** The host writes a slot. Returns whether it has rung. */
  publish(): boolean {
    return this.host.publish(++this.#head);
  }

  get isAsleep(): boolean {
    return this.host.views.counters[counterAt(0, LANE_ASLEEP)] === 1;
  }

  /** The next wait of the whole thread returns this. */
  willReturn(why: LaneWait): void {
    this.client.wait = () => why;
  }
}

Deno.test("waiting: a side that sleeps is rung, reads, and sleeps again", () => {
  const waits = new Waits();
  assert(waits.isAsleep);
  assert(waits.publish());
  assert(waits.publish());
  assertEquals([waits.said, waits.isAsleep], [["read 1", "read 2"], true]);
});

Deno.test("waiting: a spin that finds nothing leaves the side asleep, and says before it that it sleeps", () => {
  const waits = new Waits();
  assertEquals(waits.waiting.spin(), false);
  assertEquals([waits.said, waits.isAsleep], [["sleeps"], true]);
});

Deno.test("waiting: a spin that finds something leaves the side awake, and it is asleep at the end of the turn, when it has read what came meanwhile", async () => {
  const waits = new Waits();
  waits.client.meanwhile = () => assertEquals(waits.publish(), false);
  assertEquals(waits.waiting.spin(), true);
  assertEquals([waits.said, waits.isAsleep], [["read 1"], false]);
  assertEquals(waits.publish(), false); // it is awake: no ring
  await nextTurn();
  assertEquals([waits.said.at(-1), waits.isAsleep], ["read 2", false]);
  await nextTurn();
  assertEquals([waits.said.length, waits.isAsleep], [2, true]);
  assert(waits.publish());
});

Deno.test("waiting: a blocked thread handles what has woken it", async () => {
  const waits = new Waits();
  waits.client.meanwhile = () => waits.publish();
  waits.waiting.block(1000);
  assertEquals(waits.said, ["read 1"]);
  await nextTurn();
  assert(waits.isAsleep);
  waits.waiting.block(1000);
  assertEquals([waits.said, waits.isAsleep], [["read 1"], true]);
  waits.willReturn("events");
  waits.waiting.block(1000);
  assertEquals([waits.said.at(-1), waits.isAsleep], ["drain", true]);
});

Deno.test("waiting: a bell that is shut or rung for nothing is a misuse, however this side waits", () => {
  for (
    const [misuse, words] of [
      [({ client }) => client.shut!(), "shut the bell"],
      [(waits) => {
        waits.willReturn("shut");
        waits.waiting.block(1000);
      }, "shut the bell"],
      [(waits) => {
        waits.willReturn("flood");
        waits.waiting.block(1000);
      }, "again and again without writing"],
      [
        ({ client }) => client.ring!(LANE_MAX_RINGS + 2),
        "66 times (allowed: 65, since this side has announced sleep 1 time)",
      ],
    ] satisfies [(waits: Waits) => void, string][] as [
      (waits: Waits) => void,
      string,
    ][]
  ) {
    const waits = new Waits();
    misuse(waits);
    assertEquals(waits.said.map((what) => what.includes(words)), [true], words);
  }
});

Deno.test("waiting: after the end nothing is read, and nobody waits", async () => {
  const waits = new Waits();
  waits.client.meanwhile = () => waits.publish();
  assert(waits.waiting.spin());
  waits.waiting.end();
  const before = waits.said.length;
  waits.publish();
  waits.client.ring!(1);
  assertEquals(waits.waiting.spin(), false);
  waits.waiting.block(1000);
  await nextTurn();
  assertEquals([waits.said.length, waits.isAsleep], [before, false]);
});

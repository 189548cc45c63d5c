import { assertEquals } from "@std/assert";
import type {
  ReceivingState,
  SendingState,
} from "../../../../channel/stalls/stall_rules.ts";
import { StallWatch } from "../../../../channel/stalls/stall_watch.ts";
import type { TimerClock } from "../../../../ffi/clock.ts";
import { FakeClock } from "../../../helpers/fake_world.ts";

/** Tests of the warnings of ports that stand still, row by row of the table in docs/host-guide.md, with ports and a clock that the test sets. */

type Settable<T> = { -readonly [K in keyof T]: T[K] };

/** A receiving port of capacity 4, on which nothing has happened. */
function incoming(name = "video"): Settable<ReceivingState> {
  return {
    name,
    capacity: 4,
    size: 0,
    connected: true,
    hasEnd: false,
    held: { count: 0 },
    isAllHeld: false,
    isNoneReleased: true,
    isFull: false,
    isForsaken: true,
    isAwaited: false,
    misses: 0,
    progress: 0,
  };
}

/** A sending port on which nothing has happened. */
function outgoing(name = "video"): Settable<SendingState> {
  return {
    name,
    connected: true,
    isAwaited: false,
    places: { taken: 0, freed: 0, isAllAcquired: false, isShort: false },
    stats: { sent: 0, dropped: 0 },
    droppedEarly: 0,
  };
}

/** A watch of one port of each direction. */
class Stage {
  readonly clock = new FakeClock();
  readonly warnings: string[] = [];
  readonly in = incoming();
  readonly out = outgoing();
  readonly watch: StallWatch;
  isOpen = true;

  constructor(isHost: boolean) {
    const now = this.clock.now;
    const clock: TimerClock = {
      now,
      after: (ms, callback) => ({
        cancel: this.clock.setTimer(callback, ms),
        unref: () => {},
      }),
    };
    const isOpen = (): boolean => this.isOpen;
    this.watch = new StallWatch({
      clock,
      get isOpen() {
        return isOpen();
      },
      warn: (text) => void this.warnings.push(text),
    });
    this.watch.isHost = isHost;
    this.watch.addIncoming(this.in);
    this.watch.addOutgoing(this.out);
  }

  /** All four frames are on lease, and a read waits for more. */
  held(): this {
    Object.assign(this.in, { isAllHeld: true, held: { count: 4 } });
    this.in.isAwaited = true;
    return this;
  }

  /** Four frames are unread. */
  full(): this {
    Object.assign(this.in, { isFull: true, size: 4, held: { count: 4 } });
    return this;
  }

  /** All four frames that fit were acquired, and somebody waits for room. */
  acquired(): this {
    this.out.places = { ...this.out.places, taken: 4, isAllAcquired: true };
    this.out.isAwaited = true;
    return this;
  }

  /** Returns what was warned of, once, and that no timer is left. */
  only(): string {
    assertEquals([this.warnings.length, this.clock.pending], [1, 0]);
    return this.warnings[0]!;
  }

  /** Nothing was warned of, and no timer is left. */
  none(): void {
    assertEquals([this.warnings, this.clock.pending], [[], 0]);
  }

  /** Looks now, and lets a time pass that is long enough for each row. */
  pass(ms = 3_000): this {
    this.watch.look();
    this.clock.advance(ms);
    return this;
  }
}

const heldOn = (port: string): string =>
  `warning: all 4 frames of the ${port} 'video' are on lease, and none was disposed for 2 s: no more can come; ` +
  "is `using` missing, or is the batch that is collected larger than the capacity of 4?";
const HELD = heldOn("output");
const HELD_AT_END = HELD.replace("disposed for 2 s", "ever disposed");
const unreadOn = (port: string): string =>
  `warning: nobody reads the ${port} 'video': 4 frames are unread, and its capacity is 4: no more can come; `;
const acquiredOn = (port: string): string =>
  `warning: 4 frames of the ${port} 'video' were acquired, and none was sent or disposed for 2 s: ` +
  "there is no room for another; is `using` or `send` missing?";

Deno.test("frames that are all on lease while a read waits are told of after 2 s, once", () => {
  const stage = new Stage(true).held();
  stage.pass(2_000);
  assertEquals(stage.warnings, []);
  stage.clock.advance(500);
  assertEquals(stage.only(), HELD);
  for (let minute = 0; minute < 3; minute++) stage.pass(60_000);
  stage.in.progress++;
  stage.pass(60_000).watch.end();
  assertEquals(stage.only(), HELD);
});

Deno.test("frames that are all on lease while a processor waits to be called are told of", () => {
  const stage = new Stage(false).held();
  stage.in.isAwaited = false;
  stage.watch.setIdle(true);
  stage.clock.advance(3_000);
  assertEquals(stage.only(), heldOn("input"));
});

Deno.test("frames that are all on lease are told of if somebody goes on to read without waiting", () => {
  const stage = new Stage(true).held();
  stage.in.isAwaited = false;
  stage.in.misses = 1;
  stage.watch.look();
  for (let poll = 0; poll < 30; poll++) {
    stage.clock.advance(100);
    stage.in.misses++;
  }
  assertEquals(stage.only(), HELD);
});

Deno.test("nothing is told of whoever works on all frames of a port and asks for no more", () => {
  for (const misses of [0, 1]) {
    const stage = new Stage(false).held();
    stage.in.isAwaited = false;
    stage.in.misses = misses; // it has read until there was none
    stage.pass(10_000).none();
  }
});

Deno.test("each frame that is received, read or released begins the time again", () => {
  const stage = new Stage(true).held();
  stage.watch.look();
  for (let second = 0; second < 20; second++) {
    stage.clock.advance(1_900);
    stage.in.progress++;
  }
  assertEquals(stage.warnings, []);
  stage.in.isAllHeld = false;
  stage.clock.advance(500);
  stage.none();
});

Deno.test("an output that nobody reads is told of while its host waits", () => {
  const waits: [(stage: Stage) => void, string][] = [
    [
      ({ out }) => out.isAwaited = true,
      "read each output while the host waits for its client",
    ],
    [
      ({ watch }) => watch.setDraining(true),
      "read the outputs while the host is drained",
    ],
    [({ watch }) => {
      const other = incoming("other");
      other.isAwaited = true;
      watch.addIncoming(other);
    }, "read each output while the host waits for its client"],
    [
      ({ watch }) => watch.setIdle(true), // in run()
      "read each output while the host waits for its client",
    ],
  ];
  for (const [wait, advice] of waits) {
    const stage = new Stage(true).full();
    wait(stage);
    assertEquals(stage.pass().only(), unreadOn("output") + advice);
  }
});

Deno.test("an output that nobody reads is not told of while nobody waits, or while it has a reader", () => {
  new Stage(true).full().pass().none();
  const stage = new Stage(true).full();
  stage.in.isForsaken = false; // a slow one
  stage.out.isAwaited = true;
  stage.watch.setDraining(true);
  stage.pass(20_000).none();
  const free = new Stage(true);
  free.out.isAwaited = true; // its client is slow
  free.pass(20_000).none();
});

Deno.test("a port that the other side has ended is not told of: no more will come", () => {
  const unread = new Stage(true).full();
  unread.in.hasEnd = true;
  unread.watch.setDraining(true);
  unread.pass(20_000).none();

  const held = new Stage(true).held();
  held.in.hasEnd = true;
  held.watch.setIdle(true);
  held.pass(20_000).none();
  held.watch.end();
  held.none();
});

Deno.test("frames of one port that are all on lease are not told of while their processor may wait for another port", () => {
  const stage = new Stage(false).held();
  stage.in.isAwaited = false;
  const other = incoming("other");
  stage.watch.addIncoming(other);
  stage.watch.setIdle(true);
  stage.pass(20_000).none();
  other.size = 1;
  stage.watch.setIdle(true);
  assertEquals(stage.pass().warnings.length, 1);
});

Deno.test("nothing is told at the end of a processor that was paused or stopped", () => {
  const stage = new Stage(true).held();
  stage.watch.setResting("stopped", true);
  stage.watch.end();
  stage.none();
});

Deno.test("an input that a processor does not read is told of, unless it may wait for another one", () => {
  const stage = new Stage(false).full();
  stage.watch.setIdle(true);
  assertEquals(
    stage.pass().only(),
    `${unreadOn("input")}is \`get\` missing in \`process\`?`,
  );

  const pairs = new Stage(false).full();
  const other = incoming("other");
  pairs.watch.addIncoming(other);
  pairs.watch.setIdle(true);
  pairs.pass(20_000).none();
  other.hasEnd = true;
  assertEquals(
    pairs.pass().only(),
    `${unreadOn("input")}is \`get\` missing in \`process\`?`,
  );
});

Deno.test("an input that a processor has not read is not told of while its code runs", () => {
  const stage = new Stage(false).full();
  stage.out.isAwaited = true; // the host is slow
  stage.pass(20_000).none();
});

Deno.test("frames that are all acquired while somebody wants another are told of", () => {
  assertEquals(
    new Stage(true).acquired().pass().only(),
    acquiredOn("input"),
  );
  const short = new Stage(false).acquired();
  short.out.isAwaited = false;
  short.out.places = { ...short.out.places, isShort: true };
  assertEquals(short.pass().only(), acquiredOn("output"));
  const busy = new Stage(true).acquired();
  busy.out.isAwaited = false;
  busy.pass().none();
});

Deno.test("a place that is free again begins the time of a sending port again", () => {
  const stage = new Stage(true).acquired();
  stage.watch.look();
  for (let freed = 1; freed < 20; freed++) {
    stage.clock.advance(1_900);
    stage.out.places = { ...stage.out.places, freed };
  }
  assertEquals(stage.warnings, []);
});

Deno.test("nothing is told of while a processor is paused or stopped; its time begins afterwards", () => {
  for (const why of ["paused", "stopped"] as const) {
    const stage = new Stage(true).held();
    stage.watch.look();
    stage.clock.advance(1_900);
    stage.watch.setResting(why, true);
    stage.clock.advance(10_000);
    stage.none();
    stage.watch.setResting(why, false);
    stage.clock.advance(1_900);
    assertEquals(stage.warnings, []);
    stage.clock.advance(700);
    assertEquals(stage.only(), HELD);
  }
});

Deno.test("the time begins again if the timer is late: the process was stopped or busy", () => {
  const stage = new Stage(true).held();
  stage.watch.look();
  for (let round = 0; round < 10; round++) {
    stage.clock.advance(1_900);
    stage.clock.stall(3_000);
  }
  assertEquals(stage.warnings, []);
  stage.clock.advance(2_600);
  assertEquals(stage.only(), HELD);
});

Deno.test("a port that the other side does not have, and a channel that is not open, are not told of", () => {
  const none = new Stage(true).held().acquired();
  none.in.connected = none.out.connected = false;
  none.pass().none();
  const closed = new Stage(true).held();
  closed.isOpen = false;
  closed.pass().none();
});

Deno.test("the end of a client ends the watch, and what was told before is not told again", () => {
  const stage = new Stage(true).held();
  stage.watch.look();
  stage.watch.stop();
  stage.clock.advance(10_000);
  stage.none();
  stage.pass();
  stage.watch.stop();
  stage.pass(10_000);
  assertEquals(stage.only(), HELD);
});

Deno.test("at an orderly end it is told of if none of the frames on lease was ever disposed", () => {
  const stage = new Stage(true).held();
  stage.watch.end();
  assertEquals(stage.only(), HELD_AT_END);

  const some = new Stage(true).held();
  some.in.isNoneReleased = false;
  some.watch.end();
  some.none();

  const enough = new Stage(true).held();
  enough.in.isAwaited = false; // it has all that it wants
  enough.watch.end();
  enough.none();

  const unread = new Stage(true).full();
  unread.watch.setDraining(true);
  unread.watch.end();
  unread.none();
});

Deno.test("at an orderly end it is told of if all frames were sent before the start", () => {
  const stage = new Stage(true);
  stage.isOpen = false;
  stage.out.stats = { sent: 0, dropped: 40 };
  stage.out.droppedEarly = 40;
  stage.watch.end();
  assertEquals(
    stage.only(),
    "warning: all 40 frames that were sent on the input 'video' came before the other side had started, " +
      "and nothing was sent: await `ready` first",
  );

  const client = new Stage(false);
  client.out.stats = { sent: 0, dropped: 1 };
  client.out.droppedEarly = 1;
  client.watch.end();
  assertEquals(
    client.only(),
    "warning: the only frame that was sent on the output 'video' came before the other side had started, " +
      "and nothing was sent: a processor cannot send in `setup`; send in `process` or `start`",
  );

  const short = new Stage(true);
  short.out.stats = { sent: 0, dropped: 40 }; // there was no room for one of them
  short.out.droppedEarly = 39;
  short.watch.end();
  short.none();

  const knows = new Stage(true);
  knows.out.stats = { sent: 0, dropped: 40 };
  knows.out.droppedEarly = 40;
  knows.watch.knowsReady = true;
  knows.watch.end();
  knows.none();

  const later = new Stage(true);
  later.out.stats = { sent: 1, dropped: 40 };
  later.out.droppedEarly = 40;
  later.watch.end();
  later.none();
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { OutgoingFrame, ReceivedFrame } from "../../channel/mod.ts";
import { Native } from "../../ffi/native.ts";
import { BridgeError } from "../../proto/errors.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import * as types from "../../proto/schema/field_type.ts";
import { port } from "../../proto/schema/port.ts";
import { schema } from "../../proto/schema/schema.ts";
import type { Surface } from "../../proto/schema/surface.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { Prng } from "../helpers/prng.ts";
import { TwoWayLink } from "../helpers/two_way_link.ts";

/**
 * Accesses to frames and their views at random times, in both roles: while a frame
 * is on lease they show its content, afterwards nothing. Every frame is full of a
 * number of its own, so that a byte of another frame is noticed.
 */
const Everything = schema({
  name: "Everything",
  version: { major: 1, minor: 0, patch: 0 },
  fields: {
    number: types.UInt32,
    image: types.Texture("gray8"),
    planes: types.Texture("i420"),
    samples: types.Buffer(types.UInt32),
    parts: types.Array(types.Struct({ image: types.Texture("gray8") })),
  },
});
const { inputs } = connectionSchema({
  inputs: {
    all: port(Everything, { read_behavior: "read_next_in_order", capacity: 4 }),
  },
});
type Frame =
  | OutgoingFrame<typeof Everything>
  | ReceivedFrame<typeof Everything>;

const SEED = 20_261_201;
/** Accesses to objects of frames that may have ended, between two steps of the frames' lives. */
const BURST = 50;
/** How many frames are remembered after their end. */
const MEMORY = 40;
const size = <F extends "gray8" | "i420">(pixel_format: F) => ({
  width: 7,
  height: 5,
  pixel_format,
});

/** Something that user code may keep of a frame. */
interface Kept {
  /** Returns the bytes or numbers that it shows now. */
  show(): ArrayLike<number>;
}

/** Goes over the rows again and again: begun while the frame is on lease, continued at any time. */
function* rowsForEver(surface: Surface): Generator<Uint8Array, undefined> {
  while (true) yield* surface.rows();
}

/** A frame, and what was kept of it. */
class Life {
  isHeld = true;
  readonly kept: Kept[] = [];

  constructor(readonly frame: Frame, readonly number: number) {
    const { image, planes, samples, parts } = frame;
    const keep = (show: Kept["show"]): void => void this.kept.push({ show });
    const rows = (surface: Surface) => [...surface.rows()][2]!;
    const views = [
      image.pixels,
      image.pixels.subarray(3),
      planes.planes[1]!.bytes,
      rows(image),
      samples,
      parts[1]!.image.pixels,
    ];
    for (const view of views) keep(() => view);
    const begun = rowsForEver(image);
    begun.next();
    keep(() => begun.next().value ?? []);
    keep(() => frame.image.pixels);
    keep(() => frame.samples);
    keep(() => frame.planes.planes[2]!.bytes);
    keep(() => image.pixels);
    keep(() => rows(image));
    keep(() => planes.copyTo());
    keep(() => parts[0]!.image.copyTo());
    keep(() => frame.parts[1]!.image.pixels);
    keep(() => frame.copy().image.copyTo());
    keep(() => {
      using again = frame.clone();
      return again.samples.slice();
    });
  }

  end(): void {
    this.isHeld = false;
  }
}

function fill(frame: Frame, number: number): void {
  const { image, planes, samples, parts } = frame;
  for (const surface of [image, planes, ...parts.map(({ image }) => image)]) {
    surface.pixels.fill(number);
  }
  samples.fill(number);
}

/** Looks at something that was kept, and checks that it is the frame's, or nothing. */
function access({ isHeld, kept, number }: Life, random: Prng): void {
  const { show } = kept[random.below(kept.length)]!;
  try {
    const shown = show();
    if (isHeld) assert(shown.length > 0, "a frame on lease shows nothing");
    const most = isHeld ? Infinity : 0;
    assert(shown.length <= most, "a frame that has ended shows something");
    for (let i = 0; i < shown.length; i++) assert(shown[i] === number);
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    assert(!isHeld, error.message);
    assertEquals(error.code, "closed");
    assertStringIncludes(error.message, "of port 'all'");
  }
}

/** Lets frames live and end in both roles, with `accesses` accesses in between. */
async function accessAtRandom(accesses: number): Promise<void> {
  using native = Native.open();
  using link = new TwoWayLink(native, inputs);
  await link.connect();
  const { host, client } = link;
  const random = new Prng(SEED);
  const ended: Life[] = [];
  const filling: Life[] = [], received: Life[] = [];
  let number = 0, done = 0;
  const over = (life: Life): void => {
    life.end();
    ended.push(life);
    if (ended.length > MEMORY) ended.shift();
  };
  const from = (lives: Life[]): Life | undefined =>
    lives.splice(random.below(lives.length || 1), 1)[0];
  const steps: (() => void | Promise<void>)[] = [
    () => {
      if (filling.length > 1) return;
      number = number % 250 + 1;
      const frame = host.senders.all.acquire({
        number,
        image: size("gray8"),
        planes: size("i420"),
        samples: { length: 9 },
        parts: [{ image: size("gray8") }, { image: size("gray8") }],
      });
      fill(frame, number);
      filling.push(new Life(frame, number));
    },
    () => {
      const life = from(filling);
      if (!life) return;
      if (random.below(4) === 0) life.frame[Symbol.dispose]();
      else host.senders.all.send(life.frame);
      over(life);
    },
    async () => {
      await link.settle();
      for (const channel of [client, host]) {
        const frame = channel.receivers.all.get();
        if (frame) received.push(new Life(frame, frame.number));
      }
    },
    () => {
      const life = from(received);
      if (!life) return;
      if (random.below(3) === 0) client.senders.all.send(life.frame);
      else life.frame[Symbol.dispose]();
      over(life);
    },
    () => {
      const life = received[0] ?? filling[0];
      if (!life || received.length > 3) return;
      received.push(new Life(life.frame.clone(), life.number));
    },
  ];
  while (done < accesses) {
    await steps[random.below(steps.length)]!();
    const lives = [...ended, ...filling, ...received];
    if (lives.length === 0) continue;
    for (let i = 0; i < BURST; i++, done++) {
      access(lives[random.below(lives.length)]!, random);
    }
  }
  for (const { frame } of [...filling, ...received]) frame[Symbol.dispose]();
  assertEquals([host.stats.misfits, client.stats.misfits], [0, 0]);
}

Deno.test("20,000 accesses at random show a frame while it is on lease, and afterwards nothing", () =>
  nativeLeavesNothing(() => accessAtRandom(20_000)));

permittedTest(
  "10,000,000 accesses at random show a frame while it is on lease, and afterwards nothing",
  { exhaustive: true },
  () => nativeLeavesNothing(() => accessAtRandom(10_000_000)),
);

import { assert, assertEquals } from "@std/assert";
import type { OutgoingFrame, ReceivedFrame } from "../../channel/mod.ts";
import { Native } from "../../ffi/native.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { VideoFrame } from "../../proto/schema/frames/video_frame.ts";
import { port } from "../../proto/schema/port.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { Prng } from "../helpers/prng.ts";
import { soon } from "../helpers/soon.ts";
import { TwoWayLink } from "../helpers/two_way_link.ts";

/**
 * A host and three clients that acquire, clone, send, read and dispose frames at
 * random, while clients die. Every frame on lease shows its own content all the
 * time, and in the end all memory is back: every port has room again.
 */
const { inputs } = connectionSchema({
  inputs: {
    video: port(VideoFrame, {
      read_behavior: "read_next_in_order",
      capacity: 3,
    }),
    latest: port(VideoFrame, { capacity: 2 }),
  },
});
const NAMES = ["video", "latest"] as const;
const SIZE = { width: 5, height: 3, pixel_format: "rgba8" } as const;
const CLIENTS = 3;
const STEPS = 1_000;

/** A frame that somebody has on lease. */
interface Held {
  readonly frame:
    | OutgoingFrame<typeof VideoFrame>
    | ReceivedFrame<typeof VideoFrame>;
  /** The client that has it; undefined: the host. */
  readonly client: number | undefined;
}

type Link = TwoWayLink<typeof inputs>;

/** The value of every byte of a frame. */
const valueOf = (frame_number: bigint): number => Number(frame_number % 251n);

class Travels {
  readonly #links: readonly Link[];
  readonly #random: Prng;
  #held: Held[] = [];
  #acquired = 0n;

  constructor(links: readonly Link[], random: Prng) {
    this.#links = links;
    this.#random = random;
  }

  /** One channel end of the host, or of one client. */
  #end(client: number | undefined): Link["host"] {
    return client === undefined
      ? this.#random.pick(this.#links).host
      : this.#links[client]!.client;
  }

  #take(): Held | undefined {
    return this.#held.splice(this.#random.below(this.#held.length), 1)[0];
  }

  async step(): Promise<void> {
    const chance = this.#random.below(100);
    const client = this.#random.pick([undefined, 0, 1, 2]);
    const name = this.#random.pick(NAMES);
    if (chance < 25) {
      const frame_number = ++this.#acquired;
      const sender = this.#end(client).senders[name];
      const frame = sender.acquire({ ...SIZE, frame_number });
      frame.pixel_buffer.pixels.fill(valueOf(frame_number));
      this.#held.push({ frame, client });
    } else if (chance < 35) {
      const held = this.#take();
      if (!held) return;
      this.#held.push(held, { ...held, frame: held.frame.clone() });
    } else if (chance < 60) {
      const held = this.#take();
      if (held) this.#end(held.client).senders[name].send(held.frame);
    } else if (chance < 75) {
      const frame = this.#end(client).receivers[name].get();
      if (frame) this.#held.push({ frame, client });
    } else if (chance < 90) this.#take()?.frame[Symbol.dispose]();
    else if (chance < 99) await this.#random.pick(this.#links).settle();
    else await this.#die(this.#random.below(CLIENTS));
  }

  async #die(client: number): Promise<void> {
    const all = this.#held;
    this.#held = all.filter((held) => held.client !== client);
    for (const held of all) {
      if (held.client === client) held.frame[Symbol.dispose]();
    }
    this.#links[client]!.killClient();
    await this.#links[client]!.connect();
  }

  check(): void {
    for (const { frame: { frame_number, pixel_buffer } } of this.#held) {
      const value = valueOf(frame_number);
      assert(
        pixel_buffer.pixels.every((byte) => byte === value),
        `frame ${frame_number} shows another one: ${pixel_buffer.pixels[0]}`,
      );
    }
  }

  /** Disposes everything, also what is still on its way. */
  async end(): Promise<void> {
    for (const { frame } of this.#held) frame[Symbol.dispose]();
    const ends = this.#links.flatMap(({ host, client }) => [host, client]);
    for (let rest = true; rest;) {
      for (const link of this.#links) await link.settle();
      rest = false;
      for (const { receivers } of ends) {
        for (const name of NAMES) {
          using frame = receivers[name].get();
          rest ||= frame !== undefined;
        }
      }
    }
    for (const { senders } of ends) {
      for (const name of NAMES) await soon(senders[name].ready, "room");
    }
  }
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  Deno.test(`frames travel at random, and show what they are (seed ${seed})`, () =>
    nativeLeavesNothing(async () => {
      using native = Native.open();
      using stack = new DisposableStack();
      const links = Array.from(
        { length: CLIENTS },
        () => stack.use(new TwoWayLink<typeof inputs>(native, inputs)),
      );
      for (const link of links) await soon(link.connect(), "the connection");
      const travels = new Travels(links, new Prng(seed));
      for (let step = 0; step < STEPS; step++) {
        await soon(travels.step(), `step ${step}`);
        travels.check();
      }
      await travels.end();
      for (const { problems } of links) assertEquals(problems, []);
    }));
}

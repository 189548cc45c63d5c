/**
 * Hosts whose clients pass pictures on, and what connects them: the graph of a
 * user's program.
 */

import { assert, assertEquals } from "@std/assert";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import { TICKS } from "../fixtures/tick_port.ts";
import {
  type HostOptions,
  type OutgoingFrame,
  ReactiveHost,
  type ReceivedFrame,
  type VideoFrame,
} from "../../host/mod.ts";
import { BridgeError } from "../../proto/errors.ts";
import { testClient } from "../helpers/client_module.ts";
import { isolatedHome } from "./home.ts";
import { TEST_PATH } from "./lane/lane_handshake.ts";
import { leavesNothing } from "./leaks.ts";
import { drawNumber, showsNumber } from "./numbered_pictures.ts";
import { permittedTest } from "./permitted.ts";
import { soon } from "./soon.ts";

const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  service: true,
  linux: "/proc",
} as const;

const PORTS = { video: EVERY_FRAME, words: TICKS };
type Ports = typeof PORTS;

/** A host of `tests/fixtures/passes_on.ts`. */
export type Member = ReactiveHost<Ports, Ports>;
/** A picture that a host has received. */
export type Picture = ReceivedFrame<typeof VideoFrame>;

/** The size of a picture. */
interface PictureDimensions {
  readonly width: number;
  readonly height: number;
}

/** A small picture, of `rgba8`. */
export const SMALL: PictureDimensions = { width: 320, height: 180 };

/** Launches a host. Its client passes frames on; with `how=makes` in memory of its own. */
export function launchMember(
  how = "",
  options: Partial<HostOptions<Ports, Ports>> = {},
): Member {
  return ReactiveHost.launch({
    ...testClient(`passes_on.ts?how=${how}`),
    inputs: PORTS,
    outputs: PORTS,
    output: () => {},
    path: TEST_PATH,
    ...options,
  });
}

/** Asks a client something, and returns the answer as text. */
export async function ask(member: Member, word: string): Promise<string> {
  const { input, output } = member;
  await soon(input.words.ready, "room for a word");
  {
    using asked = input.words.acquire({
      data: new Uint8Array(0),
      schema_name: word,
    });
    assert(input.words.send(asked));
  }
  using answer = await soon(output.words.next(), `the answer to ${word}`);
  return new TextDecoder().decode(answer!.data);
}

/** Moves every frame that comes from one client to the next. Finishes when the first has ended its output. */
export async function connect(
  from: Member,
  to: Member,
  saw?: (frame: Picture) => void,
): Promise<void> {
  for await (using frame of from.output.video) {
    saw?.(frame);
    await to.input.video.ready;
    to.input.video.send(frame);
  }
}

/** Makes pictures with numbers from 0. */
export class Source {
  readonly #size: PictureDimensions;
  /** The pictures made so far: the number of the next one. */
  made = 0n;

  constructor(size: PictureDimensions) {
    this.#size = size;
  }

  /** Sends a picture to each of `arms`, each time as a clone. */
  async feed(...arms: readonly Member[]): Promise<void> {
    for (const { input } of arms) await input.video.ready;
    const frame_number = this.made++;
    using frame: OutgoingFrame<typeof VideoFrame> = arms[0]!.input.video
      .acquire({ ...this.#size, pixel_format: "rgba8", frame_number });
    drawNumber(frame.pixel_buffer, frame_number);
    for (const { input } of arms) {
      using again = frame.clone();
      input.video.send(again);
    }
  }
}

/** Reads what comes out of a graph: each picture has the content of its number, and comes after those before it. */
export class Sink {
  readonly #last: Member;
  readonly #saw: ((frame: Picture) => void) | undefined;
  /** The pictures that came. */
  count = 0;
  /** The number of the newest picture. */
  newest = -1n;
  /** The memory of the pictures, each once. */
  readonly memories: Set<string> = new Set();

  constructor(last: Member, saw?: (frame: Picture) => void) {
    this.#last = last;
    this.#saw = saw;
  }

  /** Reads one picture, whose whole content is right. */
  async next(): Promise<Picture> {
    const frame = await soon(this.#last.output.video.next(), "a picture");
    assert(frame, "the output has ended");
    this.#check(frame);
    return frame;
  }

  /** Reads all pictures, until the output has ended. */
  async all(): Promise<void> {
    for await (using frame of this.#last.output.video) this.#check(frame);
  }

  #check(frame: Picture): void {
    const { frame_number, pixel_buffer } = frame;
    this.#saw?.(frame);
    assert(frame_number > this.newest, `${frame_number} after ${this.newest}`);
    assert(showsNumber(pixel_buffer, frame_number), `picture ${frame_number}`);
    const { memory_id } = pixel_buffer as unknown as { memory_id: bigint };
    this.memories.add(`${memory_id}`);
    this.newest = frame_number;
    this.count++;
  }

  /** Checks that none is missing. */
  isWhole(made: bigint): void {
    assertEquals([this.newest, this.count], [made - 1n, Number(made)]);
  }
}

/** Runs `body` in a home of its own, and shows that it leaves no process, memory or file. */
export function graphTest(
  name: string,
  body: () => Promise<void>,
  more = {},
): void {
  permittedTest(`graph: ${name}`, { ...NEEDS, ...more }, async () => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, body);
  });
}

/** A drain may reject because the client that was killed had frames. */
export function onlyLost(error: unknown): void {
  const isLoss = error instanceof BridgeError && error.code === "channel_lost";
  assert(isLoss, String(error));
}

/** Whether there is a process with this id. */
export function isProcess(pid: number): boolean {
  try {
    return Deno.statSync(`/proc/${pid}`).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

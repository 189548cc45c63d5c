/** The frames of the programs in this folder: what each one has in it, by its number. */

import {
  AudioFrame,
  DataFrame,
  type Frame,
  type Port,
  port,
  VideoFrame,
} from "../../../host/mod.ts";

const IN_ORDER = { read_behavior: "read_next_in_order", capacity: 3 } as const;

/** One port for each of the shipped schemas; none skips a frame. */
export const PORTS: {
  readonly video: Port<typeof VideoFrame>;
  readonly audio: Port<typeof AudioFrame>;
  readonly data: Port<typeof DataFrame>;
} = {
  video: port(VideoFrame, IN_ORDER),
  audio: port(AudioFrame, IN_ORDER),
  data: port(DataFrame, IN_ORDER),
};

/** The port of the peer in C, which has four surfaces and sends them all at once. */
export const VIDEO: { readonly video: Port<typeof VideoFrame> } = {
  video: port(VideoFrame, { ...IN_ORDER, capacity: 4 }),
};

/** The four formats of VideoFrame 1.0. */
const FORMATS = ["bgra8", "rgba8", "rgba16f", "gray8"] as const;
/** The name of the data that ends a client. */
export const EXIT = "exit";

/** Writes a line to stdout. */
export function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** The side that has made a frame: the host, or the client, which inverts what it gets. */
export type Maker = "host" | "client";

/** The properties of a picture. Its pool of three surfaces is used again for every third one, and made anew twice. */
export function pictureOf(number: number): {
  readonly width: number;
  readonly height: number;
  readonly pixel_format: typeof FORMATS[number];
} {
  const kind = Math.floor(number / 6);
  return {
    width: 33 + kind,
    height: 5 + kind,
    pixel_format: FORMATS[kind % FORMATS.length]!,
  };
}

/** The time of a frame. */
export function timeOf(number: number): bigint {
  return -1_000_000n * BigInt(number);
}

/** The number of the data with this time. */
export function numberAt(time: bigint): number {
  return Number(-time / 1_000_000n);
}

/** The other one. */
export function otherThan(maker: Maker): Maker {
  return maker === "host" ? "client" : "host";
}

/** A byte of the memory of a frame's picture, which the client inverts. */
function byteAt(number: number, index: number, maker: Maker): number {
  const byte = (7 * number + 3 * index) & 255;
  return maker === "host" ? byte : 255 - byte;
}

/** Fills the memory of a picture. */
export function paint(
  pixels: Uint8Array,
  number: number,
  maker: Maker,
): void {
  for (let i = 0; i < pixels.length; i++) pixels[i] = byteAt(number, i, maker);
}

/** The side that has filled the memory of a picture. */
export function painterOf(pixels: Uint8Array, number: number): Maker {
  return pixels[0] === byteAt(number, 0, "host") ? "host" : "client";
}

/** Throws unless it is the picture of this number, complete, by this side. */
export function checkVideo(
  frame: Frame<typeof VideoFrame>,
  number: number,
  maker: Maker,
): void {
  const picture = pictureOf(number);
  const { pixel_buffer: surface, ...fields } = frame;
  const { pixels, width, height, pixel_format } = surface;
  expect(`surface ${number}`, { width, height, pixel_format }, picture);
  for (const name of ["width", "height", "pixel_format"] as const) {
    expect(`${name} of picture ${number}`, frame[name], picture[name]);
  }
  expect(`time of ${number}`, fields.timestamp_ns, timeOf(number));
  expect(`number of ${number}`, fields.frame_number, BigInt(number));
  const { bytes_per_row } = surface;
  const rowBytes = width * { rgba16f: 8, gray8: 1, bgra8: 4, rgba8: 4 }[
    picture.pixel_format
  ];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < rowBytes; x++) {
      const index = y * bytes_per_row + x;
      if (pixels[index] === byteAt(number, index, maker)) continue;
      throw new Error(`byte ${index} of picture ${number}: ${pixels[index]}`);
    }
  }
}

/** The samples of a block of audio; the client negates them. */
export function samplesOf(number: number, maker: Maker): number[] {
  const sign = maker === "host" ? 1 : -1;
  return Array.from(
    { length: 2 * (8 + Math.floor(number / 6)) },
    (_, i) => sign * ((number % 16) + i / 64),
  );
}

/** The side that has made the samples. */
export function playerOf(samples: Float32Array): Maker {
  return samples[1]! > 0 ? "host" : "client";
}

/** The fields of a block of audio, without its samples. */
export function audioOf(number: number): {
  readonly channels: number;
  readonly sample_rate: number;
  readonly timestamp_ns: bigint;
  readonly frame_number: bigint;
} {
  return {
    channels: 2,
    sample_rate: 48_000,
    timestamp_ns: timeOf(number),
    frame_number: BigInt(number),
  };
}

/** Throws unless it is the block of this number, by this side. */
export function checkAudio(
  { samples, channels, sample_rate, timestamp_ns, frame_number }: Frame<
    typeof AudioFrame
  >,
  number: number,
  maker: Maker,
): void {
  expect(
    `audio ${number}`,
    { channels, sample_rate, timestamp_ns, frame_number },
    audioOf(number),
  );
  expect(`samples ${number}`, [...samples], samplesOf(number, maker));
}

/** The data of a number. */
export function dataOf(number: number, maker: Maker): {
  readonly data: Uint8Array;
  readonly schema_name: string;
  readonly timestamp_ns: bigint;
} {
  return {
    data: Uint8Array.from({ length: 40 * number }, (_, i) => number + i),
    schema_name: `${maker}: ünknown ⚡ ${number}`,
    timestamp_ns: timeOf(number),
  };
}

/** Throws unless it is the data of this number, by this side. */
export function checkData(
  { data, schema_name, timestamp_ns }: Frame<typeof DataFrame>,
  number: number,
  maker: Maker,
): void {
  const expected = dataOf(number, maker);
  expect(
    `data ${number}`,
    { data: [...data], schema_name, timestamp_ns },
    { ...expected, data: [...expected.data] },
  );
}

function expect(what: string, found: unknown, expected: unknown): void {
  const [is, should] = [shown(found), shown(expected)];
  if (is !== should) throw new Error(`${what}: ${is} instead of ${should}`);
}

function shown(value: unknown): string {
  return JSON.stringify(
    value,
    (_, one) => typeof one === "bigint" ? `${one}n` : one,
  );
}

/** Pictures to a client that takes them and reads no pixel. Their memory is shared, and is used again and again. */

import type { ReactiveHost } from "../../../host/mod.ts";
import { placed, PlacementLog } from "../harness/placement.ts";
import { NotHere, type Round, type Subject } from "../harness/subject.ts";
import { LAST_PICTURE_NS, PICTURES, SAMPLES } from "../ports.ts";
import { clientModule, type Language } from "./clients.ts";
import { launch, type Way } from "./ways.ts";

/** A size in pixels; a pixel has 4 bytes. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** 1080p: 8.3 MB. */
export const FULL_HD: Size = { width: 1920, height: 1080 };
/** 4K: 33 MB. */
export const ULTRA_HD: Size = { width: 3840, height: 2160 };
/** 4 KB. */
export const TINY: Size = { width: 32, height: 32 };

/** The bytes of a picture without padding. */
export function bytesOf({ width, height }: Size): number {
  return width * height * 4;
}

/** A stream of pictures. */
export interface PictureStreamOptions {
  readonly size: Size;
  /** Pictures in a round. */
  readonly count: number;
  /** The value of a round: the microseconds for each picture, or the pictures per second. */
  readonly value: "us" | "1/s";
  /** The language of the client. Default: TypeScript. */
  readonly language?: Language;
}

type Inputs = { video: typeof PICTURES };
type Outputs = { done: typeof SAMPLES };

/** A client that takes pictures. */
export class PictureStream implements Subject {
  readonly #host: ReactiveHost<Inputs, Outputs>;
  readonly #options: PictureStreamOptions;
  readonly #log: PlacementLog;

  /** Launches the client, and sends it the first pictures: the memory is made then. */
  static async start(
    way: Way,
    options: PictureStreamOptions,
  ): Promise<PictureStream | NotHere> {
    const module = await clientModule("sink_pictures", options.language);
    if (module instanceof NotHere) return module;
    const host = await launch<Inputs, Outputs>(way, {
      module,
      inputs: { video: PICTURES },
      outputs: { done: SAMPLES },
    });
    if (host instanceof NotHere) return host;
    const stream = new PictureStream(host, options);
    try {
      await stream.round();
    } catch (error) {
      await host.close();
      throw error;
    }
    return stream;
  }

  private constructor(
    host: ReactiveHost<Inputs, Outputs>,
    options: PictureStreamOptions,
  ) {
    this.#host = host;
    this.#options = options;
    this.#log = new PlacementLog(Deno.pid, host.clientPid);
  }

  /** Sends the pictures of a round; ends when the client has taken the last one. */
  async round(): Promise<Round> {
    const { count, size, value } = this.#options;
    const { input: { video }, output: { done } } = this.#host;
    const last = { ...size, timestamp_ns: LAST_PICTURE_NS };
    const other = { ...size, timestamp_ns: 0n };
    this.#log.take();
    const began = performance.now();
    for (let i = 0; i < count; i++) {
      await video.ready;
      using frame = video.acquire({
        ...(i === count - 1 ? last : other),
        pixel_format: "rgba8",
      });
      if (!video.send(frame)) throw new Error("a picture was dropped");
    }
    using answer = await done.next();
    const ms = performance.now() - began;
    if (!answer) throw new Error("the client has ended");
    this.#log.look();
    return {
      samples: [value === "us" ? ms * 1000 / count : count / (ms / 1000)],
      ...placed(this.#log.take()),
    };
  }

  /** Closes the host. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host.close();
  }
}

/**
 * The files of a frame: its values as JSON, its textures as pictures, and what is
 * long or not exact in a picture as bytes.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FrameValues } from "../../channel/memory/leased_frame.ts";
import type { ErrorCode } from "../../proto/errors.ts";
import { SurfaceView } from "../../proto/schema/surface_view.ts";
import { encodePng } from "./png.ts";
import { isExactInRgba, rgbaOf } from "./rgba.ts";

/** The most numbers of an array that are in the JSON. Longer ones have a file. */
const MAX_LISTED = 256;

/** A frame, and the failure of the client that had read it. */
export interface Crash {
  readonly time: Date;
  /** The URL of the client's module. */
  readonly module: string;
  readonly code: ErrorCode;
  readonly message: string;
  /** The input, and which frame it is of those that were sent on it. */
  readonly port: string;
  readonly number: number;
  /** The frame's content, in private memory. */
  readonly values: FrameValues;
}

/**
 * Writes the files, readable by this user alone. Their names begin with the time, the
 * port and the number of the frame. Returns the path of the JSON, which names the
 * others and is written last.
 *
 * @throws what the file system throws
 */
export async function writeCrash(
  directory: string | URL,
  { time, values, ...rest }: Crash,
): Promise<string> {
  const folder = directory instanceof URL
    ? fileURLToPath(directory)
    : directory;
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const stamp = time.toISOString().replaceAll(":", "-");
  const port = rest.port.replaceAll(/[^\w.-]/g, "_");
  const stem = `${stamp}-${port}-${rest.number}`;
  const files = new Map<string, Uint8Array>();
  const frame = describe(values, stem, "", files);
  for (const [name, bytes] of files) await write(join(folder, name), bytes);
  const json = JSON.stringify({ time, ...rest, frame }, undefined, 2);
  const path = join(folder, `${stem}.json`);
  await write(path, new TextEncoder().encode(`${json}\n`));
  return path;
}

function write(path: string, bytes: Uint8Array): Promise<void> {
  return Deno.writeFile(path, bytes, { createNew: true, mode: 0o600 });
}

/**
 * Returns a value as it is in the JSON. What has a file of its own is added to `files`.
 *
 * @param place where it is in the frame, such as ".picture" or ".boxes.0"
 */
function describe(
  value: unknown,
  stem: string,
  place: string,
  files: Map<string, Uint8Array>,
): unknown {
  const file = (suffix: string, bytes: Uint8Array): string => {
    const name = `${stem}${place.replaceAll(/[^\w.-]/g, "_")}${suffix}`;
    files.set(name, bytes);
    return name;
  };
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") {
    return Number.isFinite(value) ? value : String(value);
  }
  if (value instanceof SurfaceView) {
    const { width, height, pixel_format } = value;
    const picture = encodePng(width, height, rgbaOf(value), 4 * width);
    return {
      width,
      height,
      pixel_format,
      picture: file(".png", picture),
      ...(!isExactInRgba(pixel_format) && {
        bytes: file(".bin", value.copyTo()),
      }),
    };
  }
  if (ArrayBuffer.isView(value)) {
    const numbers = value as Uint8Array | BigInt64Array;
    const { length, buffer, byteOffset, byteLength } = numbers;
    const type = numbers.constructor.name;
    if (length > MAX_LISTED) {
      const bytes = new Uint8Array(buffer, byteOffset, byteLength);
      return { type, length, bytes: file(".bin", bytes) };
    }
    return { type, length, values: describe([...numbers], stem, place, files) };
  }
  if (Array.isArray(value)) {
    return value.map((one, i) => describe(one, stem, `${place}.${i}`, files));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      describe(one, stem, `${place}.${name}`, files),
    ]),
  );
}

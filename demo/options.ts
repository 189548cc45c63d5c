/**
 * The demo's command line.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import type { Size } from "./input/source.ts";

/** The text of `--help`. */
export const DEMO_USAGE = `Usage: deno task demo [options]

Sends a video, frame by frame, to a processor in a process of its own, which
finds the edges; verifies what comes back; no pixel is copied on the way.

Options:
  --input FILE      a video or picture: .y4m natively, anything else with ffmpeg
                    (default: a short clip that ships with the project)
  --frames N        how many frames (default: one pass over the input, 300 at the most)
  --size WxH        scale the input, for instance 1920x1080
  --snapshot FILE   write the last frame that came back, as a PNG
  --preview[=PORT]  show the live picture and the connection's states on a page of
                    this machine, at a free port if none is given; the film plays
                    at its own speed, again and again, until Ctrl-C or --frames
  --broker NAME     use the broker that serves this XPC service, and no other
  --json            end with one JSON object on stdout
  -h, --help        this text

Examples:
  deno task demo --snapshot out.png
  deno task demo --preview
  deno task demo --frames 600 --size 1920x1080 --json
`;

/** The demo's options. */
export interface DemoOptions {
  readonly input: string | undefined;
  /** `undefined`: one pass over the input; with a preview, until it is stopped. */
  readonly frames: number | undefined;
  readonly size: Size | undefined;
  readonly snapshot: string | undefined;
  /** The port of the preview's page; 0 for a free one; `undefined`: no preview. */
  readonly preview: number | undefined;
  readonly broker: string | undefined;
  readonly json: boolean;
}

/** The command line is not valid. */
export class DemoUsageError extends Error {
  override name = "UsageError";
}

/** Parses the command line. Returns "help" if that is asked for. Throws {@link DemoUsageError}. */
export function readDemoOptions(args: string[]): DemoOptions | "help" {
  // parseArgs would take the next argument as the value of a --preview without one.
  const given = args.map((arg) => arg === "--preview" ? "--preview=0" : arg);
  const parsed = parseArgs(given, {
    boolean: ["json", "help"],
    string: ["input", "frames", "size", "snapshot", "preview", "broker"],
    alias: { h: "help" },
    unknown: (arg) => {
      throw new DemoUsageError(`unknown argument ${JSON.stringify(arg)}`);
    },
  });
  if (parsed["help"]) return "help";
  return {
    input: text(parsed["input"], "input"),
    frames: frames(text(parsed["frames"], "frames")),
    size: size(text(parsed["size"], "size")),
    snapshot: text(parsed["snapshot"], "snapshot"),
    preview: port(text(parsed["preview"], "preview")),
    broker: text(parsed["broker"], "broker"),
    json: Boolean(parsed["json"]),
  };
}

function text(value: unknown, name: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string" && value !== "") return value;
  throw new DemoUsageError(`--${name} needs a value`);
}

const MAX_FRAMES = 1_000_000;

function frames(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const count = Number(value);
  if (Number.isInteger(count) && count >= 1 && count <= MAX_FRAMES) {
    return count;
  }
  throw new DemoUsageError(
    `--frames takes a whole number from 1 to ${MAX_FRAMES}, not '${value}'`,
  );
}

const MAX_PORT = 65535;

function port(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,5}$/.test(value) && Number(value) <= MAX_PORT) {
    return Number(value);
  }
  throw new DemoUsageError(
    `--preview takes a port from 0 to ${MAX_PORT}, as in --preview=8080, not '${value}'`,
  );
}

const MAX_SIDE = 8192;

function size(value: string | undefined): Size | undefined {
  if (value === undefined) return undefined;
  const [, width, height] = /^(\d+)x(\d+)$/.exec(value)?.map(Number) ?? [];
  const possible = (side: number | undefined): boolean =>
    side !== undefined && side >= 16 && side <= MAX_SIDE;
  if (possible(width) && possible(height)) {
    return { width: width!, height: height! };
  }
  throw new DemoUsageError(
    `--size takes WIDTHxHEIGHT with sides from 16 to ${MAX_SIDE}, such as 1920x1080, not '${value}'`,
  );
}

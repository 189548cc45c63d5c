/**
 * The demo's command line.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { quoted } from "./input/quoted.ts";
import type { Size } from "./input/source.ts";

/** The text of `--help`. */
export const DEMO_USAGE = `Usage: deno task demo [options]

Sends a video, frame by frame, to a processor in a process of its own, which
finds the edges; verifies what comes back; no pixel is copied on the way.

Options:
  --input FILE      a video or picture; - for standard input. Most Y4M is read as
                    it is, anything else is decoded by ffmpeg, whatever its name
                    (default: a short clip that ships with the project)
  --frames N        how many frames (default: one pass over the input, 300 at the
                    most); a file is repeated for more, a pipe is not
  --size WxH        scale the input, for instance 1920x1080
  --snapshot FILE   write the last frame that came back, as a PNG; an existing
                    file is replaced
  --preview[=PORT]  show the live picture and the connection's states on a page of
                    this machine, at a free port if none is given; the film plays
                    at its own speed, again and again, until Ctrl-C or --frames
  --python[=PROGRAM]
                    the processor is in Python and uses numpy, which that Python
                    must have (default: a .venv above the demo, or python3)
  --broker NAME     use the broker that serves this XPC service, and no other
  --json            end with one JSON object on stdout: the numbers, or
                    {"error":{"code":…,"message":…}}
  -h, --help        this text

Examples:
  deno task demo --snapshot out.png
  deno task demo --preview
  deno task demo --python=.venv/bin/python
  deno task demo --frames 600 --size 1920x1080 --json
  deno task demo --input - < film.y4m

Exit status: 0 if every frame came back and was verified and the snapshot is
written, 1 after a failure, 2 for a wrong option, 130 if it was stopped twice.
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
  /** The interpreter of a processor in Python; "" for the one that is found; `undefined`: it is in TypeScript. */
  readonly python: string | undefined;
  readonly broker: string | undefined;
  readonly json: boolean;
}

/** The command line is not valid. */
export class DemoUsageError extends Error {
  override name = "UsageError";
}

/** Parses the command line. Returns "help" if that is asked for. Throws {@link DemoUsageError}. */
export function readDemoOptions(args: string[]): DemoOptions | "help" {
  const parsed = parseArgs(withValues(args), {
    boolean: ["json", "help"],
    string: [...WITH_VALUE, ...MAY_HAVE_VALUE.keys()],
    alias: { h: "help" },
    unknown: (arg) => {
      throw new DemoUsageError(`unknown argument ${quoted(arg)}`);
    },
  });
  if (parsed["help"]) return "help";
  return {
    input: text(parsed["input"], "input"),
    frames: frames(text(parsed["frames"], "frames")),
    size: size(text(parsed["size"], "size")),
    snapshot: snapshot(text(parsed["snapshot"], "snapshot")),
    preview: port(text(parsed["preview"], "preview")),
    python: parsed["python"] === FOUND ? "" : text(parsed["python"], "python"),
    broker: text(parsed["broker"], "broker"),
    json: Boolean(parsed["json"]),
  };
}

/** The options that take a value, in the same argument or in the next one. */
const WITH_VALUE = ["input", "frames", "size", "snapshot", "broker"];

/** Stands for the interpreter that is found. No argument can have this value. */
const FOUND = "\0";

/** The options whose value, in the same argument, can be left out; and the value that they have then. */
const MAY_HAVE_VALUE: ReadonlyMap<string, string> = new Map([
  ["preview", "0"],
  ["python", FOUND],
]);

/** Joins each option and its value: parseArgs takes a value that begins with "-" for an option, and the argument after `--preview` or `--python` for its value. */
function withValues(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    const next = args[at + 1];
    const without = arg.startsWith("--")
      ? MAY_HAVE_VALUE.get(arg.slice(2))
      : undefined;
    if (without !== undefined) joined.push(`${arg}=${without}`);
    else if (!WITH_VALUE.some((name) => arg === `--${name}`)) joined.push(arg);
    else if (next === undefined || next.startsWith("--")) {
      joined.push(`${arg}=`);
    } else {
      joined.push(`${arg}=${next}`);
      at++;
    }
  }
  return joined;
}

/** The PNG would be mixed with the numbers on standard output. */
function snapshot(value: string | undefined): string | undefined {
  if (value !== "-") return value;
  throw new DemoUsageError(
    "--snapshot takes a file, not standard output; a file of this name is ./-",
  );
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
    `--frames takes a whole number from 1 to ${MAX_FRAMES}, not ${
      quoted(value)
    }`,
  );
}

const MAX_PORT = 65535;

function port(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,5}$/.test(value) && Number(value) <= MAX_PORT) {
    return Number(value);
  }
  throw new DemoUsageError(
    `--preview takes a port from 0 to ${MAX_PORT}, as in --preview=8080, not ${
      quoted(value)
    }`,
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
    `--size takes WIDTHxHEIGHT with sides from 16 to ${MAX_SIDE}, such as 1920x1080, not ${
      quoted(value)
    }`,
  );
}

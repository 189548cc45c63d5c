/**
 * How a broker has ended, in words, and what it wrote before: from the properties of
 * systemd, from the text of `launchctl print`, and from its file of stderr.
 *
 * @module
 */

import { escapeControls } from "../proto/escape.ts";

/** How many lines of a broker's stderr are shown. */
export const LAST_LINES = 6;
/** How much of its end is read, in bytes, and shown of a line, in characters. */
const TAIL_BYTES = 16_384;
const LINE_LENGTH = 400;

/** Lines without a reason: empty ones, and those of a stack. */
const NO_REASON = /^\s*(\^+)?$|^\s+at /;

/** The names of the signals that end a broker. */
const SIGNALS: Readonly<Record<number, string>> = {
  2: "SIGINT",
  4: "SIGILL",
  5: "SIGTRAP",
  6: "SIGABRT",
  7: "SIGBUS",
  9: "SIGKILL",
  11: "SIGSEGV",
  15: "SIGTERM",
  24: "SIGXCPU",
  25: "SIGXFSZ",
  31: "SIGSYS",
};

/** The codes of systemd.exec(5) for a program that was not started. */
const NOT_STARTED: Readonly<Record<number, string>> = {
  200: "systemd cannot enter its working directory, the home",
  203:
    "the program of its command line cannot be run: it was removed or is not executable",
  209: "systemd cannot write the file for its stderr",
};

/** Describes an exit code of systemd. A code of 200 or more is systemd's own. */
export function exitInWords(code: number): string {
  const meaning = NOT_STARTED[code];
  return meaning === undefined
    ? `it ended with exit code ${code}`
    : `${meaning} (status ${code})`;
}

/** Describes the end by a signal. */
export function signalInWords(signal: number): string {
  return `it was ended by ${SIGNALS[signal] ?? `signal ${signal}`}`;
}

/**
 * How the last process of an agent has ended, in words; `undefined` if it has not
 * failed. `launchctl print` has no stable format, so every part of it is optional. Only
 * the lines of the agent itself count, which have one tab: the blocks in it have states
 * and codes of other things.
 */
export function endOfAgent(printed: string): string | undefined {
  const own = ownLines(printed);
  const signal = /: (\d+)$/.exec(own.get("last terminating signal") ?? "");
  // A signal replaces the exit code on some systems, and stands beside an old one on others.
  if (signal) {
    const number = Number(signal[1]);
    return number === 15 ? undefined : signalInWords(number);
  }
  const reason = own.get("last exit reason");
  if (reason !== undefined) {
    return `launchd ended it: ${escapeControls(reason)}`;
  }
  const code = own.get("last exit code");
  if (code === undefined || /^(0|\(never exited\))$/.test(code)) {
    return undefined;
  }
  return code.startsWith("78")
    ? `launchd cannot start it (${
      escapeControls(code)
    }): a program or a directory of its property list is missing`
    : `it ended with exit code ${escapeControls(code)}`;
}

/** Whether launchd waits before it starts an agent again: its `ThrottleInterval` is not over. */
export function isThrottled(printed: string): boolean {
  return /^spawn scheduled/.test(ownLines(printed).get("state") ?? "");
}

/** Whether an agent is in the list of `launchctl print-disabled` as disabled. Older systems write `true` for it. */
export function isDisabled(printed: string, label: string): boolean {
  return printed.split("\n").some((line) => {
    const [, name, state] = /^\s*"(.*)" => (\w+)\s*$/.exec(line) ?? [];
    return name === label && (state === "disabled" || state === "true");
  });
}

/** The process id of an agent that runs; `undefined` if none runs. */
export function pidOfAgent(printed: string): number | undefined {
  const pid = Number(ownLines(printed).get("pid"));
  return pid > 0 ? pid : undefined;
}

function ownLines(printed: string): Map<string, string> {
  return new Map(
    printed.split("\n").flatMap((line) => {
      const [, key, value] = /^\t(\w[\w ]*) = (.*)$/.exec(line) ?? [];
      return key === undefined || value === undefined || value === "{"
        ? []
        : [[key, value] as const];
    }),
  );
}

/**
 * The last lines of a file of stderr, escaped and cut; none if there is no such file or
 * it cannot be read. Reads only its end.
 */
export async function lastLinesOf(path: string): Promise<readonly string[]> {
  try {
    const { size, isFile } = await Deno.lstat(path);
    if (!isFile) return [];
    using file = await Deno.open(path);
    await file.seek(Math.max(0, size - TAIL_BYTES), Deno.SeekMode.Start);
    const bytes = new Uint8Array(TAIL_BYTES);
    const read = await file.read(bytes) ?? 0;
    return lastLines(new TextDecoder().decode(bytes.subarray(0, read)));
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return []; // what it wrote is only a help: the state was reported without it
  }
}

/** The last lines of a text that say something, escaped and cut. */
export function lastLines(text: string): readonly string[] {
  return text.split("\n")
    // deno-lint-ignore no-control-regex -- colours
    .map((line) => line.replace(/\x1b\[[0-9;]*m/g, "").trimEnd())
    .filter((line) => !NO_REASON.test(line))
    .slice(-LAST_LINES)
    .map((line) => escapeControls(line.slice(0, LINE_LENGTH)));
}

/**
 * The options that several commands share.
 *
 * @module
 */

import { formatAddress, parseAddress } from "../broker/address.ts";
import { parseAge } from "./text/ages.ts";
import { type Option, ValueError } from "./option.ts";

/** The broker's address. */
export const ENDPOINT: Option<string> = {
  name: "endpoint",
  value: {
    label: "ADDR",
    read: (text) => formatAddress(parseAddress(text)),
  },
  meaning: "the broker's gRPC address: unix:/absolute/path or 127.0.0.1:PORT",
};

/** JSON instead of text. */
export const JSON_OUTPUT: Option<boolean> = {
  name: "json",
  meaning: "write JSON",
};

/** Limits a listing to one runtime. */
export const RUNTIME: Option<string> = {
  name: "runtime",
  value: { label: "ID", read: (text) => text },
  meaning: "show only this runtime, given by its id or name",
};

/** Continues with new lines. */
export const FOLLOW: Option<boolean> = {
  name: "follow",
  short: "f",
  meaning: "show new lines as they come, until Ctrl-C",
};

const MAX_LINES = 1_000_000;

/** The number of lines to show. */
export const LINES: Option<number> = {
  name: "lines",
  short: "n",
  value: {
    label: "N",
    read: (text) => {
      const count = /^\d{1,7}$/.test(text) ? Number(text) : NaN;
      if (count <= MAX_LINES) return count;
      throw new ValueError(`a whole number up to ${MAX_LINES}`);
    },
  },
  meaning: "show only the last N lines (default: 100; with --since: all)",
};

/** The number of lines without `--lines` and `--since`. */
export const DEFAULT_LINES = 100;

const RFC_3339 =
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** A point in time: relative to now, or absolute in epoch milliseconds. */
export type Since =
  | { readonly secondsAgo: number }
  | { readonly at: number };

/** The age of the oldest line to show. */
export const SINCE: Option<Since> = {
  name: "since",
  value: {
    label: "AGE",
    read: (text) => {
      const secondsAgo = parseAge(text);
      if (secondsAgo !== undefined) return { secondsAgo };
      const at = RFC_3339.test(text) ? Date.parse(text) : NaN;
      if (!Number.isNaN(at)) return { at };
      throw new ValueError(
        "an age such as 30s, 5m, 1h30m or 2d, or a time such as 2026-01-02T03:04:05Z",
      );
    },
  },
  meaning:
    "show only lines since then: an age such as 5m, or a time in RFC 3339",
};

/** Converts to epoch milliseconds; `undefined` if there is no limit. */
export function sinceAt(
  since: Since | undefined,
  now: number,
): number | undefined {
  if (since === undefined) return undefined;
  return "at" in since ? since.at : Math.max(0, now - since.secondsAgo * 1000);
}

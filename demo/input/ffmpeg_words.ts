/**
 * Finds the reason in what ffmpeg has said.
 *
 * @module
 */

import { plainText } from "./quoted.ts";

/** The most lines that are quoted. */
const MAX_LINES = 2;

/** Where a line comes from: `[png @ 0x55d0] `, possibly several. */
const SOURCE = /^(?:\[[^\]]* @ [^\]]*\] ?)+/;

/** Lines that follow from others, and are no reason. */
const CONSEQUENCES: readonly RegExp[] = [
  /^To ignore this, add a trailing/,
  /^Failed to set value .* for option 'map'/,
  /^Error (parsing options for|opening) (input|output) files?\b/,
  /^Error marking filters as finished/,
  /^Error (initializing|reinitializing|while filtering|closing|muxing|submitting)/i,
  /^Could not open encoder before EOF/,
  /^Cannot determine format of input/,
  /^Nothing was written into output file/,
  /^Decode error rate .* exceeds/,
  /^(Task finished|Terminating thread) with (error|return) code/,
  /^Conversion failed/,
  /^Last message repeated/,
  /^\s*$/,
];

/** What ffmpeg says if there is no stream for `-map 0:v:0`. */
const NO_VIDEO = /^Stream map '.*' matches no streams/;

/**
 * Returns the reason for which ffmpeg has failed, safe to print: its first lines
 * that do not follow from others, in quotation marks, or our own words for a
 * file without video. `undefined` if it said nothing.
 *
 * ```ts
 * import { ffmpegReason } from "./ffmpeg_words.ts";
 *
 * const said = "[mov @ 0x5] moov atom not found\nfilm.mp4: Invalid data found\n";
 * console.assert(
 *   ffmpegReason(said) === '"moov atom not found; film.mp4: Invalid data found"',
 * );
 * ```
 *
 * @param said the whole of ffmpeg's stderr, or its first part
 */
export function ffmpegReason(said: string): string | undefined {
  const lines = said.split(/[\r\n]+/).map((line) =>
    line.replace(SOURCE, "").trim()
  ).filter((line) => line !== "");
  if (lines.some((line) => NO_VIDEO.test(line))) {
    return "it has no video stream";
  }
  const reasons = lines.filter((line) =>
    !CONSEQUENCES.some((pattern) => pattern.test(line))
  );
  const chosen = reasons.length > 0 ? reasons : lines.slice(-1);
  const words = [...new Set(chosen)].slice(0, MAX_LINES);
  return words.length === 0
    ? undefined
    : `"${words.map((line) => plainText(line.replace(/\.$/, ""))).join("; ")}"`;
}

import { assert, assertEquals } from "@std/assert";
import { ffmpegReason } from "../../../../demo/input/ffmpeg_words.ts";

/** What ffmpeg prints with `-loglevel error`, by version and file. */
const SAID: readonly [what: string, said: string, reason: string][] = [
  [
    "sound without video, version 9",
    `Stream map '' matches no streams.
To ignore this, add a trailing '?' to the map.
Failed to set value '0:v:0' for option 'map': Invalid argument
Error parsing options for output file pipe:1.
Error opening output files: Invalid argument`,
    "it has no video stream",
  ],
  [
    "sound without video, version 5",
    `Stream map '0:v:0' matches no streams.
To ignore this, add a trailing '?' to the map.`,
    "it has no video stream",
  ],
  [
    "a cut PNG, version 9",
    `[png @ 0x556b30faf8c0] chunk too big
[png @ 0x556b30fc1e80] chunk too big
[vist#0:0/png @ 0x556b30fb0580] [dec:png @ 0x556b30fbf380] Decoding error: Invalid data found when processing input
[vist#0:0/png @ 0x556b30fb0580] [dec:png @ 0x556b30fbf380] Decode error rate 1 exceeds maximum 0.666667
[vf#0:0 @ 0x556b30fb5140] Cannot determine format of input 0:0 after EOF
[vf#0:0 @ 0x556b30fb5140] Task finished with error code: -1094995529 (Invalid data found when processing input)
[vost#0:0/wrapped_avframe @ 0x556b30fb2d00] [enc:wrapped_avframe @ 0x556b30fb3680] Could not open encoder before EOF
[out#0/yuv4mpegpipe @ 0x556b30fb2140] Nothing was written into output file, because at least one of its streams received no packets.`,
    '"chunk too big; Decoding error: Invalid data found when processing input"',
  ],
  [
    "a cut PNG, version 5",
    `[png @ 0x55a18d2d28c0] chunk too big
Error while decoding stream #0:0: Invalid data found when processing input
Cannot determine format of input stream 0:0 after EOF
Error marking filters as finished
Conversion failed!`,
    '"chunk too big; Error while decoding stream #0:0: Invalid data found when processing input"',
  ],
  [
    "a cut MP4, version 9",
    `[in#0 @ 0x5652796c60c0] moov atom not found
[in#0 @ 0x5652796c5d40] Error opening input: Invalid data found when processing input
Error opening input file file:cut.mp4.
Error opening input files: Invalid data found when processing input`,
    '"moov atom not found; Error opening input: Invalid data found when processing input"',
  ],
  [
    "a cut MP4, version 5",
    `[mov,mp4,m4a,3gp,3g2,mj2 @ 0x55d1] moov atom not found
file:cut.mp4: Invalid data found when processing input`,
    '"moov atom not found; file:cut.mp4: Invalid data found when processing input"',
  ],
  [
    "a text, version 9",
    `[in#0 @ 0x561248309d40] Error opening input: Invalid data found when processing input
Error opening input file file:text.txt.
Error opening input files: Invalid data found when processing input`,
    '"Error opening input: Invalid data found when processing input"',
  ],
  ["only consequences", "Conversion failed!\n", '"Conversion failed!"'],
];

Deno.test("the reason is what came first, not what followed from it", () => {
  for (const [what, said, reason] of SAID) {
    assertEquals(ffmpegReason(said), reason, what);
    assertEquals(ffmpegReason(said.replaceAll("\n", "\r\n")), reason, what);
  }
});

Deno.test("the reason is escaped and cut, and there may be none", () => {
  assertEquals(ffmpegReason("a\x1b[31m\x9bb\n"), '"a\\u001b[31m\\u009bb"');
  assert(ffmpegReason("x".repeat(10_000))!.length < 250);
  for (const nothing of ["", "\n\n", "[png @ 0x1] \n"]) {
    assertEquals(ffmpegReason(nothing), undefined);
  }
});

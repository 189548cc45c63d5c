/** Pictures handed over in shared memory, against copying them and against sending them through a Unix stream. */

import {
  bytesOf,
  FULL_HD,
  PictureStream,
  type PictureStreamOptions,
  type Size,
  TINY,
  ULTRA_HD,
} from "../bridge/picture_stream.ts";
import { BELL_ONLY, DICTIONARY, LANE, type Way } from "../bridge/ways.ts";
import { controlPlan } from "../controls.ts";
import type { Extent, Group, SubjectPlan } from "../harness/subject.ts";
import { pictureSocket } from "../peers/picture_socket.ts";

const COUNT: Readonly<Record<Extent, number>> = { full: 20_000, quick: 300 };
const SOCKET_COUNT: Readonly<Record<Extent, number>> = { full: 50, quick: 10 };
const COPIES: Readonly<Record<Extent, number>> = { full: 200, quick: 50 };

function bridge(
  what: string,
  way: Way,
  size: Size,
  value: PictureStreamOptions["value"],
  extent: Extent = "quick",
): SubjectPlan {
  return {
    name: `${what}, bridge, ${way.name}`,
    unit: value,
    extent,
    start: (extent) =>
      PictureStream.start(way, { size, value, count: COUNT[extent] }),
  };
}

function copy(name: string, size: Size): SubjectPlan {
  return controlPlan(
    `C, memcpy of ${name}`,
    "us",
    "copy",
    (extent) => [bytesOf(size), COPIES[extent]],
  );
}

/** The group of single pictures. */
export const handOver: Group = {
  name: "hand-over",
  rounds: { full: 7, quick: 3 },
  warmUpMs: { full: 5_000, quick: 1_000 },
  plans: [
    bridge("hand-over of 1080p", LANE, FULL_HD, "us"),
    bridge("hand-over of 4K", LANE, ULTRA_HD, "us"),
    bridge("hand-over of 4 KB", LANE, TINY, "us"),
    bridge("hand-over of 1080p", DICTIONARY, FULL_HD, "us"),
    bridge("hand-over of 4K", DICTIONARY, ULTRA_HD, "us", "full"),
    bridge("hand-over of 4 KB", DICTIONARY, TINY, "us", "full"),
    copy("1080p", FULL_HD),
    copy("4K", ULTRA_HD),
  ],
};

/** The group of pictures per second. */
export const pictureRate: Group = {
  name: "pictures per second",
  rounds: { full: 5, quick: 1 },
  warmUpMs: { full: 5_000, quick: 1_000 },
  plans: [
    bridge("1080p per second", LANE, FULL_HD, "1/s"),
    bridge("1080p per second", BELL_ONLY, FULL_HD, "1/s"),
    bridge("1080p per second", DICTIONARY, FULL_HD, "1/s"),
    {
      name: "1080p per second, bridge, lane, client in Python",
      unit: "1/s",
      start: (extent) =>
        PictureStream.start(LANE, {
          size: FULL_HD,
          value: "1/s",
          count: COUNT[extent],
          language: "Python",
        }),
    },
    pictureSocket("1080p per second, Deno Unix stream", SOCKET_COUNT),
  ],
};

/**
 * Whether frames go to the child process and come back.
 *
 * @module
 */

import type { Link } from "../examination.ts";
import { broken, type Finding, note, ok } from "../finding.ts";
import { linksBehind } from "../needs.ts";
import type { StepReport } from "../probe/steps.ts";

/** The link. */
export const framesLink: Link = {
  name: "frames",
  async check({ probe }) {
    return judgeFrames(await probe().step("frames"));
  },
};

/** The finding for the probe's report. */
export function judgeFrames(
  { facts, failure }: StepReport<"frames">,
): Finding {
  const mend = "streamlib demo --frames 60";
  if (failure) {
    return broken("frames", "the frames did not come back", {
      why: failure.message,
      mend,
      blocks: linksBehind("frames"),
    });
  }
  const { sent, received, verified, pixel_bytes_copied, path, round_trip_ms } =
    facts;
  const way = path === "lane" ? "through a lane" : "as dictionaries";
  const found =
    `${sent} sent, ${received} received, ${verified} verified, ${pixel_bytes_copied} pixel bytes copied, ${way}, ${round_trip_ms} ms`;
  if (received < sent || verified < received) {
    return broken("frames", found, {
      why:
        "frames were lost or changed: this is a fault in the library or the machine",
      mend,
    });
  }
  if (pixel_bytes_copied > 0) {
    return broken("frames", found, {
      why: "pixels must be shared, not copied: this is a fault in the library",
      mend,
    });
  }
  return path === "lane" ? ok("frames", found) : note("frames", found, {
    why:
      "frames through a lane are faster; docs/troubleshooting.md says when there is none",
  });
}

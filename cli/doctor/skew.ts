/**
 * A broker of another version.
 *
 * @module
 */

import { replace } from "./advice.ts";
import type { Examination } from "./examination.ts";
import { broken, type Finding } from "./finding.ts";
import { brokerProcess } from "./hang.ts";

/** The broker speaks another version of the protocol: `message` names both. */
export async function skew(
  link: "grpc" | "xpc",
  message: string,
  { known }: Examination,
): Promise<Finding> {
  return broken(link, "the broker speaks another version", {
    why: message,
    mend: replace(known, await brokerProcess(known.names!)),
    blocks: link === "grpc"
      ? ["control plane"]
      : ["handshake", "frames", "control plane", "teardown"],
  });
}

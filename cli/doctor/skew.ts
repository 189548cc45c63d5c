/**
 * A broker of another version.
 *
 * @module
 */

import { replace } from "./advice.ts";
import type { Examination } from "./examination.ts";
import { broken, type Finding } from "./finding.ts";
import { brokerProcess } from "./hang.ts";
import { linksBehind } from "./needs.ts";

/** The finding for a broker that speaks another version of the protocol. `message` names both versions. */
export async function skew(
  link: "grpc" | "xpc",
  message: string,
  examination: Examination,
): Promise<Finding> {
  return broken(link, "the broker speaks another protocol version", {
    why: message,
    mend: replace(examination.known, await brokerProcess(examination)),
    // The broker has the name, so hosts run none of their own.
    blocks: linksBehind(link === "xpc" ? "broker for hosts" : "grpc"),
  });
}

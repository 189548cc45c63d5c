/**
 * Whether a broker serves the service's name and answers over XPC.
 *
 * @module
 */

import { INSTALL, start } from "../advice.ts";
import type { Examination, Link } from "../examination.ts";
import { broken, type Finding, note, ok } from "../finding.ts";
import { whatHangs } from "../hang.ts";
import { linksBehind } from "../needs.ts";
import type { StepFailure } from "../probe/steps.ts";
import { skew } from "../skew.ts";

/** The link. */
export const xpcLink: Link = {
  name: "xpc",
  async check(examination) {
    const { facts, failure } = await examination.probe().step("xpc");
    if (facts) {
      return ok("xpc", `broker ${facts.version} answered in ${facts.ms} ms`);
    }
    return await judgeXpc(failure, examination);
  },
};

/** The finding for a service that did not answer. */
export async function judgeXpc(
  failure: StepFailure,
  examination: Examination,
): Promise<Finding> {
  const { known, console: { env } } = examination;
  const { service } = known.names!;
  const given = Boolean(env.get("STREAMLIB_BROKER_XPC_SERVICE"));
  // Without a given name, hosts run a broker of their own.
  const blocks = given ? linksBehind("broker for hosts") : [];
  switch (failure.code) {
    case "version_mismatch":
      return await skew("xpc", failure.message, examination);
    case "timed_out":
      return broken("xpc", `${service} does not answer`, {
        ...await whatHangs(examination),
        blocks,
        unreachable: true,
      });
    case "broker_unreachable":
      if (known.answered) {
        return broken("xpc", `no broker serves ${service}`, {
          why: "the broker that answers gRPC serves another name over XPC",
          mend: start(known),
          blocks,
          unreachable: true,
        });
      }
      if (given) {
        return broken("xpc", `no broker serves ${service}`, {
          why:
            "STREAMLIB_BROKER_XPC_SERVICE gives this name, so no other is tried and hosts do not run their own broker",
          mend: "unset STREAMLIB_BROKER_XPC_SERVICE",
          blocks,
          unreachable: true,
        });
      }
      if (known.bootstrap?.isolated) {
        return note(
          "xpc",
          "no broker is in this bootstrap, so each host runs its own",
        );
      }
      if (known.directoryless) {
        return note("xpc", "no broker is running, so each host runs its own");
      }
      return note("xpc", "no broker is running, so each host runs its own", {
        why: "install a broker if several runtimes should share one",
        mend: INSTALL,
      });
    default:
      return broken("xpc", `the call to ${service} failed`, {
        why: failure.message,
        mend: start(known),
        blocks,
      });
  }
}

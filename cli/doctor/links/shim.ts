/**
 * Whether the shim is found, loads, and has this library's ABI version.
 *
 * @module
 */

import { PACKAGE_ROOT } from "../../../proto/package_root.ts";
import type { Link } from "../examination.ts";
import { broken, type Finding, ok } from "../finding.ts";
import { linksBehind } from "../needs.ts";
import type { StepFacts, StepReport } from "../probe/steps.ts";

/** The link. */
export const shimLink: Link = {
  name: "shim",
  async check({ probe, console: { env } }) {
    const report = await probe().step("shim");
    return judgeShim(report, Boolean(env.get("STREAMLIB_LIBRARY")));
  },
};

const SOURCES: Readonly<Record<StepFacts["shim"]["source"], string>> = {
  variable: "named by STREAMLIB_LIBRARY",
  build: "built in this checkout",
  package: "from the package, in no file",
};

/** The finding for the probe's report. `named`: STREAMLIB_LIBRARY is set. */
export function judgeShim(
  { facts, failure }: StepReport<"shim">,
  named: boolean,
): Finding {
  if (facts) {
    return ok(
      "shim",
      `ABI ${facts.abi}, ${SOURCES[facts.source]}` +
        (facts.path === undefined ? "" : `: ${facts.path}`),
    );
  }
  const found = failure.code === "library_not_found"
    ? "it cannot be loaded"
    : failure.code === "version_mismatch"
    ? "it has another version"
    : failure.code === "probe_ended"
    ? "the probe does not start"
    : "it cannot be used";
  const checkout = PACKAGE_ROOT.protocol === "file:";
  return broken("shim", found, {
    why: failure.message,
    mend: named
      ? "unset STREAMLIB_LIBRARY"
      : checkout
      ? "deno task build"
      : "export STREAMLIB_LIBRARY=/the/path/of/a/shim",
    blocks: linksBehind("shim"),
  });
}

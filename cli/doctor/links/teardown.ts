/**
 * Whether the host and its child end in order and release everything.
 *
 * @module
 */

import type { Link } from "../examination.ts";
import { broken, type Finding, ok } from "../finding.ts";
import type { StepReport } from "../probe/steps.ts";

/** The link. */
export const teardownLink: Link = {
  name: "teardown",
  async check({ probe }) {
    probe().release();
    return judgeTeardown(await probe().step("teardown"));
  },
};

/** The finding for the probe's report. */
export function judgeTeardown(
  { facts, failure }: StepReport<"teardown">,
): Finding {
  const mend = "streamlib broker doctor --json";
  if (failure) {
    return broken("teardown", "the connection did not close in order", {
      why: failure.message,
      mend,
    });
  }
  return facts.left === 0
    ? ok("teardown", `everything was released, ${facts.ms} ms`)
    : broken("teardown", `${facts.left} native objects were not released`, {
      why:
        "a long-running process would leak them: this is a fault in the library",
      mend,
    });
}

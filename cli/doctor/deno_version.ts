/**
 * Whether the Deno that runs this is one that it can be trusted to.
 *
 * @module
 */

import { hasHttp2Fault } from "../../broker/grpc/http2_guard.ts";
import type { Link } from "./examination.ts";
import { broken, type Finding, note, ok } from "./finding.ts";

/** The version that all tests are run with. */
const TESTED = "2.9.3";
/** Before it grpc-js does not start. */
const OLDEST = "2.7.0";

const MEND = `deno upgrade --version ${TESTED}`;

/** The link. */
export const denoLink: Link = {
  name: "deno",
  check: ({ deno }) => judgeDeno(deno),
};

/** What there is to say of a version of Deno. */
export function judgeDeno(version: string): Finding {
  if (hasHttp2Fault(version)) {
    return broken("deno", `${version} has a fault in its HTTP/2`, {
      why:
        "in 2.9.4 to 2.9.6 the end of a session can end the process, broker or client, with SIGABRT (denoland/deno#36788); the library works around it as far as it can",
      mend: MEND,
    });
  }
  if (compareVersions(version, OLDEST) < 0) {
    return broken("deno", `${version} is too old`, {
      why: `gRPC does not start on a Deno before ${OLDEST}`,
      mend: MEND,
    });
  }
  return compareVersions(version, TESTED) > 0
    ? note("deno", `${version}, newer than the tested ${TESTED}`)
    : ok("deno", version);
}

/** Less than, equal to, or more than 0, as `a` comes before, with or after `b`. What follows a '-' does not count. */
function compareVersions(a: string, b: string): number {
  const parts = (version: string): number[] =>
    version.replace(/[-+].*$/, "").split(".").map(Number);
  const [left, right] = [parts(a), parts(b)];
  for (const at of left.keys()) {
    const difference = left[at]! - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

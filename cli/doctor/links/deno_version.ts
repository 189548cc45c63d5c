/**
 * Whether this version of Deno can run the library.
 *
 * @module
 */

import { hasHttp2Fault } from "../../../broker/grpc/http2_guard.ts";
import type { Link } from "../examination.ts";
import { broken, type Finding, note, ok } from "../finding.ts";

/** The version that all tests run with. */
const TESTED = "2.9.3";
/** grpc-js does not start on an older one. */
const OLDEST = "2.7.0";

const MEND = `deno upgrade --version ${TESTED}`;

/** The link. */
export const denoLink: Link = {
  name: "deno",
  check: ({ deno }) => judgeDeno(deno),
};

/** The finding for a version of Deno. */
export function judgeDeno(version: string): Finding {
  if (hasHttp2Fault(version)) {
    return broken("deno", `${version} has a fault in its HTTP/2 support`, {
      why:
        "in 2.9.4 to 2.9.6 the end of an HTTP/2 session can abort the broker or a client with SIGABRT (denoland/deno#36788); the library avoids this where it can",
      mend: MEND,
    });
  }
  if (compareVersions(version, OLDEST) < 0) {
    return broken("deno", `${version} is too old`, {
      why: `gRPC needs Deno ${OLDEST} or later`,
      mend: MEND,
    });
  }
  return compareVersions(version, TESTED) > 0
    ? note("deno", `${version}, newer than ${TESTED}, which was tested`)
    : ok("deno", version);
}

/** Negative if `a` is older than `b`, 0 if they are equal, positive if `a` is newer. What follows a '-' is ignored. */
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

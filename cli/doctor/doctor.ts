/**
 * Checks the links of the path, one after the other.
 *
 * @module
 */

import {
  type Examination,
  isWithinBootstrap,
  type Link,
} from "./examination.ts";
import { type Finding, type LinkName, skipped } from "./finding.ts";
import { bootstrapLink } from "./links/bootstrap.ts";
import { controlPlaneLink } from "./links/control_plane.ts";
import { denoLink } from "./links/deno_version.ts";
import { environmentLink } from "./links/environment.ts";
import { framesLink } from "./links/frames.ts";
import { grpcLink } from "./links/grpc.ts";
import { handshakeLink } from "./links/handshake.ts";
import { namesLink } from "./links/names.ts";
import { pythonLink } from "./links/python.ts";
import { runDirectoryLink } from "./links/run_directory.ts";
import { serviceLink } from "./links/service.ts";
import { shimLink } from "./links/shim.ts";
import { socketsLink } from "./links/sockets.ts";
import { teardownLink } from "./links/teardown.ts";
import { xpcLink } from "./links/xpc.ts";

/** Every link, in the order of `LINKS`. */
export const ALL_LINKS: readonly Link[] = [
  denoLink,
  pythonLink,
  environmentLink,
  bootstrapLink,
  namesLink,
  serviceLink,
  shimLink,
  runDirectoryLink,
  socketsLink,
  grpcLink,
  xpcLink,
  handshakeLink,
  framesLink,
  controlPlaneLink,
  teardownLink,
];

/** The links of a broker outside a bootstrap. */
const OUTSIDE: readonly LinkName[] = [
  "service",
  "run directory",
  "sockets",
  "grpc",
];

/** Checks the links in order. A link that a broken one blocks is skipped; the finding names the first that blocks it. */
export async function* examine(
  examination: Examination,
  links: readonly Link[] = ALL_LINKS,
): AsyncGenerator<Finding, void, void> {
  const blocked = new Map<LinkName, LinkName>();
  for (const { name, check } of links) {
    const by = blocked.get(name);
    if (by !== undefined) {
      yield skipped(name, `because of ${by}`);
      continue;
    }
    const unused = whyUnused(name, examination);
    if (unused !== undefined) {
      yield skipped(name, unused);
      continue;
    }
    const finding = await check(examination);
    for (const behind of finding.blocks ?? []) {
      if (!blocked.has(behind)) blocked.set(behind, name);
    }
    yield finding;
  }
}

/** Why hosts do not use what a link checks; `undefined` if they do, or an address was given. */
function whyUnused(
  name: LinkName,
  { known, endpoint }: Examination,
): string | undefined {
  if (!OUTSIDE.includes(name)) return undefined;
  if (known.directoryless && (endpoint === undefined || name !== "grpc")) {
    return "there is no directory for it";
  }
  return endpoint === undefined && isWithinBootstrap(known)
    ? "not used in this bootstrap"
    : undefined;
}

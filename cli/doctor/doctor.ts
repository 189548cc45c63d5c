/**
 * The links, looked at one after the other.
 *
 * @module
 */

import { controlPlaneLink } from "./control_plane.ts";
import {
  framesLink,
  handshakeLink,
  shimLink,
  teardownLink,
  xpcLink,
} from "./child.ts";
import { denoLink } from "./deno_version.ts";
import { environmentLink } from "./environment.ts";
import type { Examination, Link } from "./examination.ts";
import { type Finding, type LinkName, skipped } from "./finding.ts";
import { grpcLink } from "./grpc.ts";
import { namesLink } from "./names.ts";
import { runDirectoryLink } from "./run_directory.ts";
import { socketsLink } from "./sockets.ts";

/** Every link, in the order of `LINKS`. */
export const ALL_LINKS: readonly Link[] = [
  denoLink,
  environmentLink,
  namesLink,
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

/** Looks at each link in its turn. One that a broken one stands before is skipped, and says which. */
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
    const finding = await check(examination);
    for (const behind of finding.blocks ?? []) {
      if (!blocked.has(behind)) blocked.set(behind, name);
    }
    yield finding;
  }
}

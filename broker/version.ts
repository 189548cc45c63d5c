/**
 * What this broker is: the answer of `GetVersion`.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import { PROTOCOL_VERSION } from "../proto/keys.ts";
import type { GetVersionResponse } from "../proto/broker_gen.ts";

/** What only a build knows; a checkout does not. */
export interface BuildStamp {
  /** The commit that was built. */
  readonly gitCommit?: string;
  /** When it was built, RFC 3339. */
  readonly buildDate?: string;
}

/** The version of this package with that of the protocol it speaks. */
export function versionInfo(build: BuildStamp = {}): GetVersionResponse {
  return {
    version: config.version,
    git_commit: build.gitCommit ?? "unknown",
    build_date: build.buildDate ?? "unknown",
    protocol_version: PROTOCOL_VERSION,
  };
}

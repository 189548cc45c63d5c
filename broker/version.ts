/**
 * The version of this broker: the response of `GetVersion`.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import { PROTOCOL_VERSION } from "../proto/wire/keys.ts";
import type { GetVersionResponse } from "../proto/broker_gen.ts";
import { BUILD, type BuildStamp } from "./build_stamp.ts";

export type { BuildStamp };

/** Returns the versions of this package and of its protocol, with the commit and the time of the build. */
export function versionInfo(build: BuildStamp = BUILD): GetVersionResponse {
  return {
    version: config.version,
    git_commit: build.gitCommit ?? "unknown",
    build_date: build.buildDate ?? "unknown",
    protocol_version: PROTOCOL_VERSION,
  };
}

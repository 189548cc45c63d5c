/**
 * `streamlib broker update`.
 *
 * @module
 */

import type { GetVersionResponse } from "../../proto/broker_gen.ts";
import { versionInfo } from "../../broker/version.ts";
import type { Command, Invocation } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { firstContact, runningVersion } from "../first_contact.ts";
import { JSON_OUTPUT } from "../options.ts";
import { BINARY, DEV, SERVICE_FIELDS, tell, withService } from "../service.ts";

/** To this Deno and this package. */
export const brokerUpdate: Command = {
  path: ["broker", "update"],
  summary: "Brings the installed broker up to date with this package.",
  details: [
    "Writes what `broker install` would write today. A broker of another version, or of other files, is ended, and the fresh one is waited for; channels that stand go on. Where nothing has changed, nothing is done.",
  ],
  options: [DEV, BINARY, JSON_OUTPUT],
  json: { form: "one object", fields: SERVICE_FIELDS },
  needs: ["run", "sys"],
  examples: ["broker update"],
  run,
};

function run(invocation: Invocation): Promise<ExitCode> {
  return withService(invocation, async (service) => {
    const { installer, manager, names } = service;
    const before = await runningVersion(service, invocation.console);
    const outcome = await installer.update();
    const written = outcome.files.length > 0;
    const stale = before !== undefined && !isThisVersion(before);
    if (stale && !written) await manager.restart();
    if (stale || written) await firstContact(service, invocation.console);
    const report = await manager.report();
    tell(invocation, service, "update", { report, files: outcome.files }, [
      ...(stale
        ? [
          `A broker ${said(before)} ran; this is ${said(versionInfo())}.`,
        ]
        : []),
      stale || written
        ? `The broker ${names.service} is up to date, and answers.`
        : `The broker ${names.service} was up to date; nothing was done.`,
    ]);
    return EXIT.done;
  });
}

function isThisVersion(found: GetVersionResponse): boolean {
  const { version, protocol_version } = versionInfo();
  return found.version === version &&
    found.protocol_version === protocol_version;
}

function said(
  { version, git_commit, protocol_version }: GetVersionResponse,
): string {
  return `${version} (${git_commit}, protocol ${protocol_version})`;
}

/**
 * `streamlib broker install`.
 *
 * @module
 */

import type { Command, Invocation } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { JSON_OUTPUT } from "../options.ts";
import {
  BINARY,
  DEV,
  FORCE,
  ofSameService,
  SERVICE_FIELDS,
  tell,
  withService,
} from "../service.ts";

/** One broker for all runtimes of a user. */
export const brokerInstall: Command = {
  path: ["broker", "install"],
  summary: "Installs the broker, so that its first client starts it.",
  details: [
    "On macOS it becomes an agent of launchd's, on Linux a user unit of systemd's; docs/service.md has the files, and what the broker may do. Nothing runs as root. What is not in Deno's cache yet of the broker is downloaded now, never when it starts. What is installed is this Deno with this package: after an upgrade of either, `broker update` brings the service up to date. Where all is installed already, nothing is done.",
  ],
  options: [FORCE, DEV, BINARY, JSON_OUTPUT],
  json: { form: "one object", fields: SERVICE_FIELDS },
  needs: ["run", "sys"],
  examples: [
    "broker install",
    "broker install --dev",
    "broker install --binary /opt/streamlib/streamlib-broker",
  ],
  run,
};

function run(invocation: Invocation): Promise<ExitCode> {
  const { args } = invocation;
  return withService(invocation, async (service) => {
    const { installer, manager, names } = service;
    const outcome = await installer.install(args.has(FORCE));
    tell(invocation, service, "install", outcome, [
      outcome.files.length === 0
        ? `The broker ${names.service} is installed already; nothing was written.`
        : `The broker ${names.service} is installed with ${manager.kind}; its first client starts it.`,
      ...(args.has(DEV)
        ? ["Its clients run in this checkout, with STREAMLIB_DEV_MODE=1."]
        : []),
      `To start it now: ${ofSameService(invocation, "streamlib broker start")}`,
    ]);
    return EXIT.done;
  });
}

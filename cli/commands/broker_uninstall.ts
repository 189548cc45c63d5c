/**
 * `streamlib broker uninstall`.
 *
 * @module
 */

import type { Command, Invocation } from "../command.ts";
import { say } from "../terminal/console.ts";
import { CommandError, EXIT, type ExitCode } from "../exit.ts";
import { JSON_OUTPUT } from "../options.ts";
import {
  DEV,
  ofSameService,
  SERVICE_FIELDS,
  tell,
  withService,
} from "../service.ts";

/** As if it had never been. */
export const brokerUninstall: Command = {
  path: ["broker", "uninstall"],
  summary: "Stops the broker, and removes what install wrote, and its logs.",
  details: [
    "Channels that stand go on without a broker; hosts that come later run one of their own.",
  ],
  options: [DEV, JSON_OUTPUT],
  json: { form: "one object", fields: SERVICE_FIELDS },
  needs: ["run", "sys"],
  examples: ["broker uninstall", "broker uninstall --dev"],
  run,
};

function run(invocation: Invocation): Promise<ExitCode> {
  const { console: { err } } = invocation;
  return withService(invocation, async (service) => {
    const { installer, names } = service;
    const outcome = await installer.uninstall();
    if (outcome.files.length === 0) {
      throw new CommandError(
        EXIT.notFound,
        `Cannot uninstall the broker ${names.service}: nothing of it is installed`,
        ofSameService(invocation, "streamlib broker install"),
      );
    }
    if (outcome.unmanaged !== undefined) {
      say(err, `Its manager could not be told: ${outcome.unmanaged}`);
    }
    tell(invocation, service, "uninstall", outcome, [
      `The broker ${names.service} is uninstalled; the files above were removed.`,
    ]);
    return EXIT.done;
  });
}

/**
 * `streamlib broker restart`.
 *
 * @module
 */

import type { Command, Invocation } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { firstContact } from "../first_contact.ts";
import { JSON_OUTPUT } from "../options.ts";
import { DEV, SERVICE_FIELDS, tell, withService } from "../service.ts";

/** A fresh one in its place. */
export const brokerRestart: Command = {
  path: ["broker", "restart"],
  summary: "Ends the installed broker, starts it, and waits until it answers.",
  details: [
    "Channels that stand go on; those that are being made are begun again with the fresh broker.",
  ],
  options: [DEV, JSON_OUTPUT],
  json: { form: "one object", fields: SERVICE_FIELDS },
  needs: ["run", "sys"],
  examples: ["broker restart"],
  run,
};

function run(invocation: Invocation): Promise<ExitCode> {
  return withService(invocation, async (service) => {
    const { installer, manager, names } = service;
    await installer.checkKnown("restart");
    await manager.restart();
    const { version } = await firstContact(service, invocation.console);
    const report = await manager.report();
    tell(invocation, service, "restart", { report }, [
      `A fresh broker ${names.service} ${version} answers at ${names.grpcAddress}.`,
    ]);
    return EXIT.done;
  });
}

/**
 * `streamlib broker start`.
 *
 * @module
 */

import type { Command, Invocation } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { firstContact } from "../first_contact.ts";
import { JSON_OUTPUT } from "../options.ts";
import { DEV, SERVICE_FIELDS, tell, withService } from "../service.ts";

/** Before its first client does. */
export const brokerStart: Command = {
  path: ["broker", "start"],
  summary: "Starts the installed broker, and waits until it answers.",
  details: [
    "There is seldom need of it: the first client starts it as well. When it has failed too often to be started on demand any more, this starts it again.",
  ],
  options: [DEV, JSON_OUTPUT],
  json: { form: "one object", fields: SERVICE_FIELDS },
  needs: ["run", "sys"],
  examples: ["broker start", "broker start --json"],
  run,
};

function run(invocation: Invocation): Promise<ExitCode> {
  return withService(invocation, async (service) => {
    const { installer, manager, names } = service;
    await installer.checkKnown("start");
    await manager.load(false);
    const { version } = await firstContact(service, invocation.console);
    const report = await manager.report();
    tell(invocation, service, "start", { report }, [
      `The broker ${names.service} ${version} answers at ${names.grpcAddress}.`,
    ]);
    return EXIT.done;
  });
}

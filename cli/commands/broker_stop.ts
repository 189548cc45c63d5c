/**
 * `streamlib broker stop`.
 *
 * @module
 */

import type { Command, Invocation } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { JSON_OUTPUT } from "../options.ts";
import {
  DEV,
  ofSameService,
  SERVICE_FIELDS,
  tell,
  withService,
} from "../service.ts";

/** Until the next start, or login. */
export const brokerStop: Command = {
  path: ["broker", "stop"],
  summary: "Stops the installed broker; no client starts it again.",
  details: [
    "It stays installed: `broker start` brings it back, and so does the next login. Channels that stand go on without a broker.",
  ],
  options: [DEV, JSON_OUTPUT],
  json: { form: "one object", fields: SERVICE_FIELDS },
  needs: ["run", "sys"],
  examples: ["broker stop"],
  run,
};

function run(invocation: Invocation): Promise<ExitCode> {
  return withService(invocation, async (service) => {
    const { installer, manager, names } = service;
    await installer.checkKnown("stop");
    await manager.stop();
    const report = await manager.report();
    tell(invocation, service, "stop", { report }, [
      `The broker ${names.service} is stopped until ${
        ofSameService(invocation, "streamlib broker start")
      } or the next login.`,
    ]);
    return EXIT.done;
  });
}

/**
 * `streamlib runtimes prune`.
 *
 * @module
 */

import type { PruneDeadRuntimesResponse } from "../../proto/broker_gen.ts";
import type { Command, Invocation } from "../command.ts";
import { say, writeJson, writeLines } from "../terminal/console.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { ENDPOINT, JSON_OUTPUT } from "../options.ts";
import { openSession } from "../session.ts";
import { tableLines } from "../text/table.ts";

const FIELDS: Readonly<Record<keyof PruneDeadRuntimesResponse, string>> = {
  pruned_count: "the number of runtimes that were removed",
  pruned_names: "their names, an array",
};

/** Removes dead runtimes from the broker's list. */
export const runtimesPrune: Command = {
  path: ["runtimes", "prune"],
  summary: "Removes dead runtimes from the broker's list.",
  details: [
    "No process is ended. A runtime that registered over XPC is dead if that XPC connection has ended. A runtime that registered over gRPC is dead if it has not registered again for a day and has no connection.",
  ],
  options: [JSON_OUTPUT, ENDPOINT],
  json: { form: "one object", fields: FIELDS },
  needs: ["ffi"],
  examples: ["runtimes prune"],
  run,
};

async function run(invocation: Invocation): Promise<ExitCode> {
  const { args, console: { out, err } } = invocation;
  using session = await openSession(invocation);
  const { pruned_count, pruned_names } = await session.client.call(
    "PruneDeadRuntimes",
    {},
  );
  if (args.has(JSON_OUTPUT)) writeJson(out, { pruned_count, pruned_names });
  else if (pruned_count === 0) say(err, "No runtime is dead.");
  else {
    writeLines(
      out,
      tableLines(
        [{ title: "NAME" }],
        pruned_names.map((name) => ({ cells: [name] })),
        out,
      ),
    );
    say(
      err,
      `${pruned_count} dead ${
        pruned_count === 1 ? "runtime was" : "runtimes were"
      } removed.`,
    );
  }
  return EXIT.done;
}

/**
 * `streamlib broker doctor`.
 *
 * @module
 */

import type { Command, Invocation } from "../command.ts";
import { writeJson, writeLines } from "../terminal/console.ts";
import type { Examination } from "../doctor/examination.ts";
import { type Finding, LINKS } from "../doctor/finding.ts";
import type { Probe } from "../doctor/probe_runner.ts";
import { closingLines, findingLines } from "../doctor/report.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { ENDPOINT, JSON_OUTPUT } from "../options.ts";

type Row = Required<Pick<Finding, "link" | "state" | "found" | "why" | "mend">>;

const FIELDS: Readonly<Record<keyof Row, string>> = {
  link: `the link: ${LINKS.join(", ")}`,
  state:
    "`ok`, `note` (well, with something to know), `skipped` (not looked at) or `broken`",
  found: "what was found, in words",
  why: "what that means, or an empty text",
  mend: "the command line that mends it, or an empty text",
};

/** The whole path, link by link. */
export const brokerDoctor: Command = {
  path: ["broker", "doctor"],
  summary:
    "Looks at the whole path, link by link, with a real child process and real frames, and names the first that is broken with what mends it.",
  details: [
    "Links after a broken one are looked at as far as they can be. With no broker anywhere all is well: hosts run one of their own. The exit code is 3 where the first broken link is that the broker cannot be reached, else 1 where one is broken.",
    "It starts a probe with the rights that a host has, which starts a child process, and `ps` where a broker does not answer.",
  ],
  options: [JSON_OUTPUT, ENDPOINT],
  json: { form: "an array, one object a link, in their order", fields: FIELDS },
  needs: ["run", "sys"],
  examples: ["broker doctor", "broker doctor --json"],
  run,
};

async function run({ args, console }: Invocation): Promise<ExitCode> {
  const { examine } = await import("../doctor/doctor.ts");
  const { Probe } = await import("../doctor/probe_runner.ts");
  let probe: Probe | undefined;
  const examination: Examination = {
    console,
    deno: Deno.version.deno,
    endpoint: args.get(ENDPOINT),
    known: {},
    probe: () => probe ??= new Probe(console, examination.known.names!.home),
  };
  const findings: Finding[] = [];
  const json = args.has(JSON_OUTPUT);
  const { out } = console;
  try {
    for await (const finding of examine(examination)) {
      findings.push(finding);
      if (!json) writeLines(out, findingLines(finding, out));
    }
  } finally {
    probe?.release();
    await probe?.ended;
  }
  if (json) writeJson(out, findings.map(rowOf));
  else writeLines(out, closingLines(findings, out));
  return exitCode(findings);
}

function rowOf({ link, state, found, why = "", mend = "" }: Finding): Row {
  return { link, state, found, why, mend };
}

function exitCode(findings: readonly Finding[]): ExitCode {
  const first = findings.find(({ state }) => state === "broken");
  if (first === undefined) return EXIT.done;
  return first.unreachable ? EXIT.unreachable : EXIT.failed;
}

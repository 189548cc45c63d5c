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
  link: `the name of the link: ${LINKS.join(", ")}`,
  state:
    "`ok`, `note` (works, with a remark), `skipped` (not checked) or `broken`",
  found: "what was found",
  why: "what that means, or empty",
  mend: "the command line that fixes it, or empty",
};

/** Checks the whole path, link by link. */
export const brokerDoctor: Command = {
  path: ["broker", "doctor"],
  summary:
    "Checks every link of the path from Deno to frames in another process, and shows how to fix the first broken one.",
  details: [
    "It starts a real child process and sends it real frames. After a broken link it still checks all links that do not depend on it. That no broker is running is not a fault: hosts then run their own. The exit code is 0 if no link is broken, 3 if the first broken link means that the broker cannot be reached, and otherwise 1.",
    "It runs a probe with the permissions of a host, which starts the child process, and runs `ps` if a broker does not answer.",
  ],
  options: [JSON_OUTPUT, ENDPOINT],
  json: {
    form: "an array of objects, one for each link, in order",
    fields: FIELDS,
  },
  needs: ["run", "sys", "ffi"],
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
    probe: () => probe ??= new Probe(console),
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

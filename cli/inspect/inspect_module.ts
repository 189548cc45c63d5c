/**
 * Runs a processor's module in a confined process, and reads what it declares.
 *
 * @module
 */

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { modulesBeside } from "../../host/spawn/beside_module.ts";
import { findLock } from "../../host/spawn/client_project.ts";
import { type ProgramResult, TIMED_OUT } from "../../launchd/run_program.ts";
import { BridgeError } from "../../proto/errors.ts";
import {
  parseDescription,
  type ProcessorDescription,
} from "../../proto/schema/json/description_json.ts";
import type { Console } from "../terminal/console.ts";
import {
  inspectorCode,
  type InspectReport,
  REPORT_MARK,
} from "./inspector_code.ts";

/** The time limit in which a module must be loaded, in seconds. It includes the download of its packages. */
export const LOAD_LIMIT_SECS = 60;
/** The limit of the memory that the process may use, in KiB: a module that fills it fails, and not the machine. */
const MEMORY_LIMIT_KIB = 2 * 1024 * 1024;
/** Not every system knows this limit. */
const CONFINE = `ulimit -d ${MEMORY_LIMIT_KIB} 2>/dev/null; exec "$@"`;

/** The kinds of access that a module can be given while it is loaded. */
export const LOAD_PERMISSIONS = [
  "env",
  "import",
  "net",
  "read",
  "sys",
] as const;

/** One of {@link LOAD_PERMISSIONS}. */
export type LoadPermission = (typeof LOAD_PERMISSIONS)[number];

/** The result of an inspection: the description, or why there is none. */
export type Inspection =
  | { readonly description: ProcessorDescription }
  | {
    /** What is wrong, as the end of a sentence. */
    readonly problem: string;
    /** What the process wrote to stderr, and the error. */
    readonly output: string;
    /** Whether the module itself failed. */
    readonly isItsError?: true;
    /** The access that the module asked for, if that is why it failed. */
    readonly asked?: LoadPermission;
  };

/**
 * Loads a module in a process that can do nothing else: without access to files,
 * network, environment and native code, but for `permissions`.
 */
export async function inspectModule(
  console: Console,
  module: URL,
  permissions: readonly LoadPermission[],
  limitSecs: number = LOAD_LIMIT_SECS,
): Promise<Inspection> {
  const ran = await runLimited(
    console,
    [
      Deno.execPath(),
      "run",
      "--quiet",
      "--no-prompt",
      ...lockArguments(module),
      ...permissions.map((kind) => `--allow-${kind}`),
      ...modulesBeside(module, inspectorCode(module)),
    ],
    { DENO_NO_UPDATE_CHECK: "1" },
    limitSecs,
  );
  const report = reportIn(ran.stdout);
  return report === undefined
    ? silent(ran, limitSecs)
    : judge(report, ran.stderr);
}

/** Runs a program with the limits of time and memory. */
export async function runLimited(
  console: Console,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  limitSecs: number,
): Promise<ProgramResult> {
  const ran = await console.runProgram(
    "/bin/sh",
    ["-c", CONFINE, "sh", ...command],
    { env: { NO_COLOR: "1", ...env }, timeoutMs: limitSecs * 1000 },
  );
  if (ran !== undefined) return ran;
  throw new BridgeError(
    "native_failure",
    "Cannot inspect a module: there is no program /bin/sh",
  );
}

/** The lock file is used as it is. A module that is not a local file has none. */
function lockArguments(module: URL): string[] {
  const lock = module.protocol === "file:"
    ? findLock(dirname(fileURLToPath(module)), undefined)
    : undefined;
  return lock === undefined
    ? ["--no-lock"]
    : [`--lock=${lock.path}`, "--frozen"];
}

/** The last report in the output. The module may write there too, so its form is checked. */
function reportIn(stdout: string): InspectReport | undefined {
  const line = stdout.split("\n").findLast((one) =>
    one.startsWith(REPORT_MARK)
  );
  try {
    const report: unknown = JSON.parse(line?.slice(REPORT_MARK.length) ?? "");
    return typeof report === "object" && report !== null
      ? report as InspectReport
      : undefined;
  } catch {
    return undefined;
  }
}

/** The result for a process that has reported nothing. */
export function silent(
  { code, stderr }: ProgramResult,
  limitSecs: number,
): Inspection {
  const problem = code === TIMED_OUT
    ? `it was not loaded within ${limitSecs} s; move long work into setup()`
    : `its process ended with code ${code} before the module was loaded`;
  return { problem, output: stderr };
}

function judge(report: InspectReport, stderr: string): Inspection {
  if ("isNone" in report) {
    return {
      problem: "its default export is not a processor: write " +
        "`export default reactive({…})`, or `manual` or `continuous`",
      output: stderr,
    };
  }
  if ("error" in report) {
    const [, kind] = /^(?:NotCapable|TypeError): Requires (\w+) access/.exec(
      String(report.error),
    ) ?? [];
    const asked = LOAD_PERMISSIONS.find((one) => one === kind);
    if (kind !== undefined && asked === undefined) {
      return {
        problem: `it asks for ${kind} access while it is loaded, which is ` +
          "never given here; move that into setup()",
        output: `${stderr}${report.error}`,
      };
    }
    return {
      problem: "it cannot be loaded",
      output: `${stderr}${report.error}`,
      isItsError: true,
      ...(asked && { asked }),
    };
  }
  try {
    return { description: parseDescription(String(report.description)) };
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    return { problem: error.message, output: stderr };
  }
}

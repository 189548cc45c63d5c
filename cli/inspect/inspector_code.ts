/**
 * The program that loads a processor's module and tells what it declares.
 *
 * It is JavaScript without imports of this package: it must not add to the lock
 * file of the module's project, and the module may use another version.
 *
 * @module
 */

import { DESCRIBE_KEY } from "../../proto/schema/json/description_json.ts";

/** What stands before the report, on the last line of stdout. */
export const REPORT_MARK = "streamlib-inspect ";

/** What the program reports: the description as JSON, or why there is none. */
export type InspectReport =
  | { readonly description: string }
  | { readonly isNone: true }
  | { readonly error: string };

/**
 * Returns the code for a module. What the module prints goes to stderr, but for what
 * it writes to `Deno.stdout` itself. Errors that nobody handles are reported too:
 * the module may have started something.
 */
export function inspectorCode(module: URL): string {
  const key = JSON.stringify(DESCRIBE_KEY);
  const mark = JSON.stringify(`\n${REPORT_MARK}`);
  return `const { stdout, exit } = Deno;
const write = stdout.writeSync.bind(stdout);
const encode = new TextEncoder().encode.bind(new TextEncoder());
const { stringify } = JSON;
const tell = (report) => {
  const bytes = encode(${mark} + stringify(report) + "\\n");
  for (let at = 0; at < bytes.length;) at += write(bytes.subarray(at));
  exit(0);
};
const fail = (error) => tell({ error: String(error?.stack ?? error) });
addEventListener("unhandledrejection", ({ reason }) => fail(reason));
addEventListener("error", ({ error }) => fail(error));
for (const name of ["log", "info", "debug", "dir", "table", "group"]) {
  console[name] = console.error;
}
try {
  const { default: processor } = await import(${JSON.stringify(module.href)});
  const describe = processor?.[Symbol.for(${key})];
  tell(
    typeof describe === "function"
      ? { description: stringify(describe()) }
      : { isNone: true },
  );
} catch (error) {
  fail(error);
}
`;
}

/**
 * The modules of clients in tests that run for both languages: a fixture in
 * TypeScript has a twin in Python.
 */

import type { ClientPermissions } from "../../host/mod.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url);

/** Whether the clients of these tests are Python processes: a run asks for it. */
export const CLIENTS_ARE_PYTHON: boolean = Deno.permissions.querySync({
      name: "env",
      variable: "STREAMLIB_TEST_CLIENTS",
    }).state === "granted" &&
  Deno.env.get("STREAMLIB_TEST_CLIENTS") === "python";

/** The options of a host that say which client it launches. */
export interface TestClient {
  readonly module: URL;
  /** For Python, the parameters of the URL, in capital letters. */
  readonly env?: Readonly<Record<string, string>>;
  readonly permissions?: ClientPermissions;
}

/**
 * Returns the options for a fixture, such as `ends_early.ts?how=exits`, in the language of the run.
 *
 * @param permissions what it needs in Deno
 */
export function testClient(
  fixture: string,
  permissions?: ClientPermissions,
): TestClient {
  const module = new URL(fixture, FIXTURES);
  if (!CLIENTS_ARE_PYTHON) {
    return { module, ...(permissions && { permissions }) };
  }
  const parameters = [...module.searchParams];
  module.search = "";
  module.pathname = module.pathname.replace(/\.ts$/, ".py");
  if (parameters.length === 0) return { module };
  const env = parameters.map(([name, value]) => [name.toUpperCase(), value]);
  return { module, env: Object.fromEntries(env) };
}

/** What a test lacks that is about TypeScript's clients only, if the clients are Python processes. */
export function notInPython(why: string): { readonly lacking?: string } {
  return CLIENTS_ARE_PYTHON ? { lacking: `not in Python: ${why}` } : {};
}

/**
 * The modules of clients in tests that run for both languages: a fixture in
 * TypeScript has a twin in Python.
 */

const FIXTURES = new URL("../fixtures/", import.meta.url);

/** Whether the clients of these tests are Python processes: a run asks for it. */
export const CLIENTS_ARE_PYTHON: boolean = Deno.permissions.querySync({
      name: "env",
      variable: "STREAMLIB_TEST_CLIENTS",
    }).state === "granted" &&
  Deno.env.get("STREAMLIB_TEST_CLIENTS") === "python";

/** Returns the module of a fixture, such as `invert.ts`, in the language of the run. */
export function clientModule(name: string): URL {
  return new URL(
    CLIENTS_ARE_PYTHON ? name.replace(/\.ts$/, ".py") : name,
    FIXTURES,
  );
}

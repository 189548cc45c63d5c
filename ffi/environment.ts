/**
 * The environment as far as this process may read it.
 *
 * @module
 */

import type { EnvironmentSource } from "../proto/environment.ts";

/** Variables that may be read; one that may not counts as unset. */
export function permittedEnvironment(): EnvironmentSource {
  return {
    get: (variable) =>
      Deno.permissions.querySync({ name: "env", variable }).state === "granted"
        ? Deno.env.get(variable)
        : undefined,
  };
}

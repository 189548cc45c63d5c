/**
 * The environment variables that this process has permission to read.
 *
 * @module
 */

import type { EnvironmentSource } from "../proto/environment.ts";

/** Returns a source of variables in which one without permission counts as unset. Never prompts. */
export function permittedEnvironment(): EnvironmentSource {
  return {
    get: (variable) =>
      Deno.permissions.querySync({ name: "env", variable }).state === "granted"
        ? Deno.env.get(variable)
        : undefined,
  };
}

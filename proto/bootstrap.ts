/**
 * The variable by which a process knows of the bootstrap that it is in;
 * `c/bootstrap/channel.h` has the same.
 *
 * @module
 */

import type { EnvironmentSource } from "./environment.ts";

/** The variable that a bootstrap gives the processes it starts. Its value is the system's own, see {@link BOOTSTRAP_ISOLATED}. */
export const BOOTSTRAP_VARIABLE = "STREAMLIB_BOOTSTRAP";

/** The end of the variable's value if a name that the bootstrap does not know is looked for nowhere else. */
export const BOOTSTRAP_ISOLATED = ":isolated";

/** What the variable says of the bootstrap that a process is in. */
export interface InheritedBootstrap {
  /** Whether a name that it does not know is looked for nowhere else. */
  readonly isolated: boolean;
}

/** The bootstrap that a process with this environment was started in; `undefined` if it was started in none. Whether its channel is still there, the variable does not say. */
export function bootstrapOf(
  env: EnvironmentSource,
): InheritedBootstrap | undefined {
  const value = env.get(BOOTSTRAP_VARIABLE);
  return value ? { isolated: value.endsWith(BOOTSTRAP_ISOLATED) } : undefined;
}

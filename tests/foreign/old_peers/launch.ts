/** Launches a host of the version that this module is in, with a client of any version. */

import { Native } from "../../../ffi/native.ts";
import { supervisorOptions } from "../../../host/options.ts";
import type { PortMap } from "../../../host/mod.ts";
import { clientStarter } from "../../../host/spawn/spawn.ts";
import { Supervisor } from "../../../host/supervisor.ts";

/** What the host and its client are. */
interface Launch<I extends PortMap, O extends PortMap> {
  /** The broker's service name; without it the host runs one itself. */
  readonly service?: string | undefined;
  /** The module by which the client runs the processor: it is of the client's version. */
  readonly runner: URL;
  /** The processor's module, which imports the client's version. */
  readonly module: URL;
  readonly inputs: I;
  readonly outputs: O;
  readonly restart?: "never" | "on-failure";
}

/** A host, and what it and its client have said. */
export interface Launched<I extends PortMap, O extends PortMap> {
  readonly host: Supervisor<I, O>;
  /** What its client has written to stdout and stderr. */
  said(): string;
  /** Its warnings. */
  readonly warnings: readonly string[];
}

/** Launches a host. */
export function launch<I extends PortMap, O extends PortMap>(
  { service, runner, module, inputs, outputs, restart = "never" }: Launch<
    I,
    O
  >,
): Launched<I, O> {
  const warnings: string[] = [];
  const decoder = new TextDecoder();
  let said = "";
  const output = (chunk: Uint8Array): void => {
    said += decoder.decode(chunk, { stream: true });
  };
  const options = supervisorOptions({
    module,
    inputs,
    outputs,
    ...(service !== undefined && { broker: service }),
    restart,
    onRestart: () => {},
    output,
    warn: (text) => warnings.push(text),
  }, "reactive");
  const spawn = clientStarter({
    module,
    name: "client",
    runner,
    grpcClient: undefined,
    permissions: {},
    userEnv: {},
    deno: undefined,
    config: undefined,
    output,
  });
  return {
    host: new Supervisor(Native.open(), { ...options, spawn }),
    said: () => said,
    warnings,
  };
}

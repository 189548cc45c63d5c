/**
 * Runs a program in a bootstrap of its own, with a broker in this process.
 *
 * @module
 */

import { Broker } from "../../broker/broker.ts";
import { Bootstrap } from "../../ffi/bootstrap.ts";
import type { BootstrapEvent } from "../../ffi/bootstrap_events.ts";
import { systemClock } from "../../ffi/clock.ts";
import { writeStderr } from "../../ffi/stderr.ts";
import { BridgeError } from "../../proto/errors.ts";
import { escapeControls } from "../../proto/escape.ts";
import { NotStarted, type TreeOptions } from "../terminal/console.ts";
import type { Signals } from "./signals.ts";

/** See `Console.runTree`. Takes the signals over. */
export async function runTree(
  options: TreeOptions,
  signals: Signals,
): Promise<number> {
  const { program, args, service, isolated, verbose, started } = options;
  await using held = new AsyncDisposableStack();
  held.use(signals);
  const bootstrap = Bootstrap.create({ isolated });
  const told = verbose ? tell(bootstrap.events()) : Promise.resolve();
  // In this order: the broker, the bootstrap, the last of its events.
  held.defer(() => told);
  held.use(bootstrap);
  if (service !== undefined) {
    const broker = held.use(await serve(service, bootstrap));
    const ended = new AbortController();
    held.defer(() => ended.abort());
    void broker.watchSilence(systemClock, ended.signal);
  }
  const child = spawn(bootstrap, program, args);
  signals.sendTo(child.pid);
  started();
  const { code } = await child.status;
  signals.childEnded();
  return code;
}

function spawn(
  bootstrap: Bootstrap,
  program: string,
  args: readonly string[],
): Deno.ChildProcess {
  try {
    return bootstrap.spawn(program, {
      args: [...args],
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    });
  } catch (error) {
    if (error instanceof BridgeError) throw error;
    throw new NotStarted(error as Error);
  }
}

/** The broker. Its records are kept for `streamlib broker logs`; stderr is the program's. */
function serve(service: string, bootstrap: Bootstrap): Promise<Broker> {
  return Broker.start({
    service,
    bootstrap,
    log: { sink: () => {}, level: "info" },
  });
}

/** Writes the events to stderr, without waiting for who reads it. */
async function tell(events: AsyncIterable<BootstrapEvent>): Promise<void> {
  const encoder = new TextEncoder();
  for await (const event of events) {
    writeStderr(encoder.encode(`streamlib run: ${eventLine(event)}\n`));
  }
}

/** One event, in a line. The names are of other processes. */
export function eventLine(event: BootstrapEvent): string {
  if (event.type === "lost") {
    return `${event.count} events were lost: too many came at once`;
  }
  if (event.type === "failed") {
    return `failed to start ${escapeControls(event.name)}: ${
      escapeControls(event.reason)
    }`;
  }
  const { type, name, pid } = event;
  const process = pid === 0
    ? "a process that cannot be seen from here"
    : `process ${pid}`;
  return `${type} ${escapeControls(name)}, ${process}`;
}

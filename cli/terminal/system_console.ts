/**
 * The {@link Console} of this process.
 *
 * @module
 */

import { pause, systemClock } from "../../ffi/clock.ts";
import { permittedEnvironment } from "../../ffi/environment.ts";
import { runProgram } from "../../launchd/run_program.ts";
import { type Console, type Output, OutputClosed } from "./console.ts";

/** Used if a terminal does not report its size. */
const USUAL_SIZE = { columns: 80, rows: 24 };

function outputTo(stream: typeof Deno.stdout): Output {
  const encoder = new TextEncoder();
  const terminal = stream.isTerminal();
  const size = (): { columns: number; rows: number } => {
    if (!terminal) return { columns: Infinity, rows: Infinity };
    const { columns, rows } = Deno.consoleSize();
    return columns > 0 && rows > 0 ? { columns, rows } : USUAL_SIZE;
  };
  return {
    write: (text) => {
      const bytes = encoder.encode(text);
      try {
        for (let at = 0; at < bytes.length;) {
          at += stream.writeSync(bytes.subarray(at));
        }
      } catch (error) {
        if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosed();
        throw error;
      }
    },
    terminal,
    colour: terminal && !Deno.noColor,
    get columns() {
      return size().columns;
    },
    get rows() {
      return size().rows;
    },
  };
}

const SIGNALS: readonly Deno.Signal[] = ["SIGINT", "SIGTERM"];

/** Returns the console of this process. */
export function systemConsole(): Console {
  return {
    out: outputTo(Deno.stdout),
    err: outputTo(Deno.stderr),
    env: permittedEnvironment(),
    now: () => Date.now(),
    pause: (ms, signal) => pause(systemClock, ms, signal),
    interruptible() {
      const controller = new AbortController();
      const abort = (): void => controller.abort();
      for (const signal of SIGNALS) Deno.addSignalListener(signal, abort);
      return {
        signal: controller.signal,
        [Symbol.dispose]() {
          for (const signal of SIGNALS) {
            Deno.removeSignalListener(signal, abort);
          }
        },
      };
    },
    async connect(address) {
      // Loaded only here: grpc-js and protobufjs take 100 ms and read the environment.
      const { GrpcClient } = await import("../../broker/grpc/grpc_client.ts");
      return new GrpcClient(address);
    },
    giveUp(rights) {
      for (const name of rights) Deno.permissions.revokeSync({ name });
    },
    // Deno returns null only on Windows, where no broker runs.
    userId: () => Deno.uid() ?? 0,
    runProgram,
  };
}

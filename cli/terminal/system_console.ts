/**
 * The {@link Console} of this process.
 *
 * @module
 */

import { pause, systemClock } from "../../ffi/clock.ts";
import { permittedEnvironment } from "../../ffi/environment.ts";
import { type SyncWriter, writeFully, writeOrLose } from "../../ffi/output.ts";
import { BridgeError, describeError } from "../../proto/errors.ts";
import { runProgram } from "../../launchd/run_program.ts";
import { userRuntimeDirectory } from "../runtime_directory.ts";
import { type Console, type Output, OutputClosed } from "./console.ts";

/** Used if a terminal does not report its size. */
const USUAL_SIZE = { columns: 80, rows: 24 };

/** How a stream takes text. */
type Write = (stream: SyncWriter, bytes: Uint8Array) => void;

/** Writes results: that they are not complete is a failure, unless the reader wants no more. */
const writeResult: Write = (stream, bytes) => {
  try {
    writeFully(stream, bytes);
  } catch (cause) {
    if (cause instanceof Deno.errors.BrokenPipe) throw new OutputClosed();
    throw new BridgeError(
      "native_failure",
      `Cannot write the output: ${(cause as Error).message}`,
      { cause },
    );
  }
};

/** Loaded only when it is used: grpc-js and protobufjs take 100 ms and read the environment. */
async function loadGrpc(): Promise<
  typeof import("../../broker/grpc/grpc_client.ts")
> {
  try {
    return await import("../../broker/grpc/grpc_client.ts");
  } catch (cause) {
    throw new BridgeError(
      "broker_unreachable",
      `Cannot ask a broker: the packages of gRPC cannot be loaded: ${
        describeError(cause)
      }; let Deno download them once, with a connection to the network`,
      { cause },
    );
  }
}

function outputTo(stream: typeof Deno.stdout, write: Write): Output {
  const encoder = new TextEncoder();
  const terminal = stream.isTerminal();
  const size = (): { columns: number; rows: number } => {
    if (!terminal) return { columns: Infinity, rows: Infinity };
    const { columns, rows } = Deno.consoleSize();
    return columns > 0 && rows > 0 ? { columns, rows } : USUAL_SIZE;
  };
  return {
    write: (text) => write(stream, encoder.encode(text)),
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

/** The directory is not looked for without the rights to do so. */
function findUserRuntime(): string | undefined {
  const may = (descriptor: Deno.PermissionDescriptor): boolean =>
    Deno.permissions.querySync(descriptor).state === "granted";
  if (!may({ name: "sys", kind: "uid" }) || !may({ name: "read" })) {
    return undefined;
  }
  const userId = Deno.uid();
  return userId === null ? undefined : userRuntimeDirectory(userId);
}

/** Returns the console of this process. */
export function systemConsole(): Console {
  return {
    out: outputTo(Deno.stdout, writeResult),
    err: outputTo(Deno.stderr, writeOrLose),
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
      const { GrpcClient } = await loadGrpc();
      return new GrpcClient(address);
    },
    async connectTree(service) {
      const { openTree } = await import("../tree/tree_client.ts");
      return openTree(service);
    },
    async bootstrapFault() {
      const { bootstrapFault } = await import("../tree/tree_client.ts");
      return bootstrapFault();
    },
    async runTree(options) {
      const { Signals } = await import("../tree/signals.ts");
      const signals = new Signals(); // before anything slow is loaded
      const { runTree } = await import("../tree/run_tree.ts");
      return await runTree(options, signals);
    },
    giveUp(rights) {
      for (const name of rights) Deno.permissions.revokeSync({ name });
    },
    // Deno returns null only on Windows, where no broker runs.
    userId: () => Deno.uid() ?? 0,
    userRuntime: findUserRuntime(),
    runProgram,
  };
}

/**
 * `deno task broker`: runs a broker until SIGINT or SIGTERM, or, with
 * `--idle-exit` or `--recycle-after`, until it is not used.
 *
 * Log records go to stderr, or to the log file; then stderr has only errors from
 * before that file is open, and fatal ones. One line on stdout says that the
 * broker is ready: text, or with `--json` an object with `grpc`, `xpc_service`,
 * `pid` and `version`.
 *
 * @module
 */

import { systemClock } from "../ffi/clock.ts";
import { permittedEnvironment } from "../ffi/environment.ts";
import { surviveFileSizeLimit } from "../ffi/file_size_limit.ts";
import { Native } from "../ffi/native.ts";
import { writeOrLose } from "../ffi/output.ts";
import { writeStderr } from "../ffi/stderr.ts";
import { userRuntimeOfShim } from "../ffi/user_runtime.ts";
import { BridgeError } from "../proto/errors.ts";
import { Broker } from "./broker.ts";
import { giveUpAfterStart } from "./give_up.ts";
import { LogFile } from "./log/log_file.ts";
import {
  BROKER_USAGE,
  BrokerUsageError,
  type MainOptions,
  readBrokerOptions,
} from "./main_options.ts";
import { versionInfo } from "./version.ts";
import { FOREGROUND_BROKER } from "../proto/foreground.ts";

const encoder = new TextEncoder();
const toStdout = (text: string): void => {
  writeOrLose(Deno.stdout, encoder.encode(text));
};
const toStderr = (text: string): void => {
  writeStderr(encoder.encode(text));
};

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

async function serve(options: MainOptions): Promise<void> {
  surviveFileSizeLimit();
  using held = new DisposableStack();
  const { service, grpc, level, logFile, limits } = options;
  // Held to the end, for stderr: ffi is given up below.
  const { userId } = held.use(Native.open());
  const file = logFile && held.use(LogFile.open(logFile, userId));
  const sink = file ? (line: string) => file.write(line) : toStderr;
  const stopped = held.use(new StopSignals());
  await using broker = await Broker.start({
    service,
    log: { sink, level },
    limits: options.quotas,
    ...(grpc !== undefined && { grpc }),
    // A literal: Deno has gRPC in its cache, or in a compiled program, when the broker starts.
    startGrpc: async (options) => {
      const { GrpcCarrier } = await import("./grpc/grpc_carrier.ts");
      return await GrpcCarrier.start(options);
    },
  });
  giveUpAfterStart(file !== undefined);
  announce(broker, options.json);
  // No await between this and the broker's disposal: a peer that connects to a
  // passed socket must be served by this broker or by the next one.
  const unused = broker.unused(limits, systemClock, stopped.signal);
  void broker.watchSilence(systemClock, stopped.signal);
  await Promise.race([unused, stopped.promise]);
}

function announce(broker: Broker, json: boolean): void {
  const ready = {
    grpc: broker.grpc ?? "",
    xpc_service: broker.service,
    pid: Deno.pid,
    version: versionInfo().version,
  };
  toStdout(
    json
      ? `${JSON.stringify(ready)}\n`
      : `Broker ${ready.version} serves ${ready.xpc_service}${
        ready.grpc && ` and ${ready.grpc}`
      } (pid ${ready.pid}). Stop it with Ctrl-C.\n`,
  );
}

/** Listens to SIGINT and SIGTERM from the start on. A signal during the start ends the broker right after it. */
class StopSignals implements Disposable {
  readonly #controller = new AbortController();
  readonly #stopped = Promise.withResolvers<void>();
  readonly #onSignal = (): void => {
    this.#controller.abort();
    this.#stopped.resolve();
  };

  constructor() {
    Deno.addSignalListener("SIGINT", this.#onSignal);
    Deno.addSignalListener("SIGTERM", this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get promise(): Promise<void> {
    return this.#stopped.promise;
  }

  [Symbol.dispose](): void {
    this.#controller.abort();
    Deno.removeSignalListener("SIGINT", this.#onSignal);
    Deno.removeSignalListener("SIGTERM", this.#onSignal);
  }
}

try {
  const options = readBrokerOptions(
    Deno.args,
    permittedEnvironment(),
    userRuntimeOfShim,
  );
  if (options === "help") toStdout(BROKER_USAGE);
  else await serve(options);
} catch (error) {
  if (error instanceof BrokerUsageError) {
    toStderr(`broker: ${error.message}\nTry: ${FOREGROUND_BROKER} --help\n`);
    Deno.exit(EXIT_USAGE);
  }
  if (!(error instanceof BridgeError)) throw error;
  toStderr(`broker: ${error.message}\n`);
  Deno.exit(error.code === "bad_argument" ? EXIT_USAGE : EXIT_FAILED);
}

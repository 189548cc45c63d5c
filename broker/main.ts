/**
 * `deno task broker`: runs a broker in the foreground until SIGINT or SIGTERM.
 *
 * Log records go to stderr. On stdout, one line when it is ready: words, or
 * with `--json` an object with `grpc`, `xpc_service`, `pid` and `version`.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { permittedEnvironment } from "../ffi/environment.ts";
import { BridgeError } from "../proto/errors.ts";
import { names } from "../proto/names.ts";
import { Broker } from "./broker.ts";
import { LOG_LEVELS, type LogLevel } from "./log.ts";
import { versionInfo } from "./version.ts";

const HELP = `Usage: deno task broker [options]

Runs a broker in the foreground.

Options:
  --service NAME   the XPC service name to serve
                   (default: $STREAMLIB_BROKER_XPC_SERVICE, else com.tatolab.streamlib.broker)
  --listen ADDR    where gRPC is served: unix:/absolute/path
                   (default: $STREAMLIB_BROKER_ENDPOINT, else a private socket in
                   $STREAMLIB_HOME/run, $XDG_RUNTIME_DIR/streamlib or ~/.streamlib/run)
  --no-grpc        serve XPC alone
  --log-level L    ${LOG_LEVELS.join(", ")} (default: info)
  --json           say that it is ready as JSON
  -h, --help       this text

Examples:
  deno task broker
  deno task broker --service com.example.broker --json
`;

const encoder = new TextEncoder();
const toStdout = (text: string): void => {
  Deno.stdout.writeSync(encoder.encode(text));
};
const toStderr = (text: string): void => {
  Deno.stderr.writeSync(encoder.encode(text));
};

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

class UsageError extends Error {}

interface Options {
  readonly service: string;
  readonly grpc: string | undefined;
  readonly level: LogLevel;
  readonly json: boolean;
}

function readOptions(): Options | "help" {
  const args = parseArgs(Deno.args, {
    boolean: ["json", "help", "no-grpc"],
    string: ["service", "listen", "log-level"],
    alias: { h: "help" },
    unknown: (arg) => {
      throw new UsageError(`unknown argument ${JSON.stringify(arg)}`);
    },
  });
  if (args["help"]) return "help";
  const level = args["log-level"] ?? "info";
  if (!LOG_LEVELS.includes(level)) {
    throw new UsageError(
      `--log-level is one of ${LOG_LEVELS.join(", ")}, not '${level}'`,
    );
  }
  const all = names(permittedEnvironment(), {
    ...(args["service"] !== undefined && { service: args["service"] }),
  });
  return {
    service: all.service,
    grpc: args["no-grpc"] ? undefined : args["listen"] ?? all.grpcAddress,
    level,
    json: Boolean(args["json"]),
  };
}

async function serve(options: Options): Promise<void> {
  await using broker = await Broker.start({
    service: options.service,
    log: { sink: toStderr, level: options.level },
    ...(options.grpc !== undefined && { grpc: options.grpc }),
  });
  const ready = {
    grpc: broker.grpc ?? "",
    xpc_service: broker.service,
    pid: Deno.pid,
    version: versionInfo().version,
  };
  toStdout(
    options.json
      ? `${JSON.stringify(ready)}\n`
      : `Broker ${ready.version} serves ${ready.xpc_service}${
        ready.grpc && ` and ${ready.grpc}`
      } (pid ${ready.pid}). Stop it with Ctrl-C.\n`,
  );
  const stop = Promise.withResolvers<void>();
  const onSignal = (): void => stop.resolve();
  Deno.addSignalListener("SIGINT", onSignal);
  Deno.addSignalListener("SIGTERM", onSignal);
  await stop.promise;
  Deno.removeSignalListener("SIGINT", onSignal);
  Deno.removeSignalListener("SIGTERM", onSignal);
}

try {
  const options = readOptions();
  if (options === "help") toStdout(HELP);
  else await serve(options);
} catch (error) {
  if (error instanceof UsageError) {
    toStderr(`broker: ${error.message}\nTry: deno task broker --help\n`);
    Deno.exit(EXIT_USAGE);
  }
  if (!(error instanceof BridgeError)) throw error;
  toStderr(`broker: ${error.message}\n`);
  Deno.exit(error.code === "bad_argument" ? EXIT_USAGE : EXIT_FAILED);
}

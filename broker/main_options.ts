/**
 * What `broker/main.ts` is told on its command line.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { FOREGROUND_BROKER } from "../proto/foreground.ts";
import { type EnvironmentSource, names } from "../proto/names.ts";
import type { IdlenessLimits } from "./idleness.ts";
import { LOG_LEVELS, type LogLevel } from "./log/log.ts";

/** What `--help` says. */
export const BROKER_USAGE = `Usage: ${FOREGROUND_BROKER} [options]

Runs a broker until SIGINT or SIGTERM.

It makes its sockets itself, or takes those that a service manager passes to it:
launchd, or systemd by LISTEN_FDS, both named as the service.

Options:
  --service NAME      the XPC service name to serve
                      (default: $STREAMLIB_BROKER_XPC_SERVICE, else com.tatolab.streamlib.broker)
  --listen ADDR       where gRPC is served: unix:/absolute/path
                      (default: $STREAMLIB_BROKER_ENDPOINT, else a private socket in
                      $STREAMLIB_HOME/run, $XDG_RUNTIME_DIR/streamlib or ~/.streamlib/run);
                      a socket that was passed takes its place
  --no-grpc           serve XPC alone
  --log-level L       ${LOG_LEVELS.join(", ")} (default: info)
  --log-file PATH     log to this file, an absolute path, in place of stderr: 4 MiB, then it
                      becomes PATH.1, and so on to PATH.4. Needs --allow-read and --allow-write
                      of its directory
  --idle-exit SECS    end with code 0 when for so long nothing was registered and nobody connected
                      (default: never)
  --recycle-after N   end with code 0 once N gRPC sessions have been and nobody is connected.
                      Only where a service manager will start the next one; else it has no effect
  --foreground        for containers: log to stderr, and never end by itself, whatever the three
                      options above say
  --json              say that it is ready as JSON
  -h, --help          this text

Exit codes: 0 it ended in order, 1 it could not serve, 2 wrong arguments.

Examples:
  ${FOREGROUND_BROKER}
  ${FOREGROUND_BROKER} --service com.example.broker --json
  ${FOREGROUND_BROKER} --idle-exit 300
`;

/** Wrong arguments: the message says which. */
export class BrokerUsageError extends Error {}

/** What was asked for. */
export interface MainOptions {
  /** The XPC service name. */
  readonly service: string;
  /** Where gRPC is served; `undefined`: not at all. */
  readonly grpc: string | undefined;
  readonly level: LogLevel;
  /** The log file; `undefined`: stderr. */
  readonly logFile: string | undefined;
  /** When it ends by itself. */
  readonly limits: IdlenessLimits;
  /** Whether it says that it is ready as JSON. */
  readonly json: boolean;
}

/**
 * Reads the arguments. Throws {@link BrokerUsageError}, and BridgeError
 * `bad_argument` for what `names` refuses.
 */
export function readBrokerOptions(
  args: readonly string[],
  env: EnvironmentSource,
): MainOptions | "help" {
  const read = parseArgs([...args], {
    boolean: ["json", "help", "no-grpc", "foreground"],
    string: [
      "service",
      "listen",
      "log-level",
      "log-file",
      "idle-exit",
      "recycle-after",
    ],
    alias: { h: "help" },
    unknown: (arg) => {
      throw new BrokerUsageError(`unknown argument ${JSON.stringify(arg)}`);
    },
  });
  if (read["help"]) return "help";
  const level = levelIn(read["log-level"] ?? "info");
  const logFile = absolute("--log-file", read["log-file"]);
  const idleSecs = positive("--idle-exit", "seconds", read["idle-exit"]);
  const sessions = whole("--recycle-after", "sessions", read["recycle-after"]);
  const all = names(env, {
    ...(read["service"] !== undefined && { service: read["service"] }),
  });
  const stays = Boolean(read["foreground"]);
  return {
    service: all.service,
    grpc: read["no-grpc"] ? undefined : read["listen"] ?? all.grpcAddress,
    level,
    logFile: stays ? undefined : logFile,
    limits: stays ? {} : {
      ...(idleSecs !== undefined && { idleMs: idleSecs * 1000 }),
      ...(sessions !== undefined && { sessions }),
    },
    json: Boolean(read["json"]),
  };
}

function levelIn(text: string): LogLevel {
  const level = LOG_LEVELS.find((level) => level === text);
  if (level !== undefined) return level;
  throw new BrokerUsageError(
    `--log-level is one of ${LOG_LEVELS.join(", ")}, not '${text}'`,
  );
}

function absolute(
  option: string,
  text: string | undefined,
): string | undefined {
  const isFile = text?.startsWith("/") && !/\0|\/$/.test(text);
  if (text === undefined || isFile) return text;
  throw new BrokerUsageError(
    `${option} is the absolute path of a file, not ${JSON.stringify(text)}`,
  );
}

/** Longer than anybody waits; timers cannot be set for ever. */
const MAX_SECS = 365 * 24 * 3600;

function positive(
  option: string,
  unit: string,
  text: string | undefined,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (value > 0 && value <= MAX_SECS) return value;
  throw new BrokerUsageError(
    `${option} is a number of ${unit} from above 0 to ${MAX_SECS}, not ${
      JSON.stringify(text)
    }`,
  );
}

function whole(
  option: string,
  unit: string,
  text: string | undefined,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value > 0 && Number.isSafeInteger(value)) return value;
  throw new BrokerUsageError(
    `${option} is a number of ${unit}, 1 or more, not ${JSON.stringify(text)}`,
  );
}

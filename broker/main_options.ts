/**
 * The command line of `broker/main.ts`.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { FOREGROUND_BROKER } from "../proto/foreground.ts";
import { type EnvironmentSource, names } from "../proto/names.ts";
import type { IdlenessLimits } from "./idleness.ts";
import {
  QUOTA_NAMES,
  type QuotaLimits,
  type QuotaName,
} from "./registry/quotas.ts";
import { LOG_LEVELS, type LogLevel } from "./log/log_record.ts";

const QUOTA_TEXT = QUOTA_NAMES.join(", ");
const QUOTA_LINES = QUOTA_TEXT.replace(
  " runtimes",
  "\n                      runtimes",
);

/** The help text. */
export const BROKER_USAGE = `Usage: ${FOREGROUND_BROKER} [options]

Runs a broker until SIGINT or SIGTERM.

It makes its sockets itself, or uses those that a service manager passes to it:
launchd, or systemd with LISTEN_FDS; both have the name of the service.

Options:
  --service NAME      the XPC service name to serve
                      (default: $STREAMLIB_BROKER_XPC_SERVICE, else com.tatolab.streamlib.broker)
  --listen ADDR       the address of gRPC: unix:/absolute/path
                      (default: $STREAMLIB_BROKER_ENDPOINT, else a private socket in
                      $STREAMLIB_HOME/run, $XDG_RUNTIME_DIR/streamlib, /run/user/<uid>/streamlib
                      or ~/.streamlib/run);
                      a socket that was passed is used in place of it
  --no-grpc           serve XPC only
  --log-level L       ${LOG_LEVELS.join(", ")} (default: info)
  --log-file PATH     write the log to this file, an absolute path, instead of stderr. At 4 MiB it
                      is renamed to PATH.1, and so on up to PATH.4. Needs --allow-read and
                      --allow-write for its directory
  --idle-exit SECS    end with code 0 after SECS seconds without a registered runtime, a connection
                      or a peer (default: never)
  --recycle-after N   end with code 0 when N gRPC sessions have ended and nobody is connected. Has
                      an effect only under a service manager, which starts the next broker
  --limits NAME=N,…   raise or lower quotas. One process may have a quarter of each. NAME is one of
                      ${QUOTA_LINES}
  --foreground        for containers: log to stderr and never end by itself; the three options
                      above have no effect
  --json              print the line that says that it is ready as JSON
  -h, --help          show this text

Exit codes: 0 ended in order, 1 cannot serve, 2 wrong arguments.

Examples:
  ${FOREGROUND_BROKER}
  ${FOREGROUND_BROKER} --service com.example.broker --json
  ${FOREGROUND_BROKER} --idle-exit 300
`;

/** Thrown for wrong arguments. */
export class BrokerUsageError extends Error {}

/** The options from the command line and the environment. */
export interface MainOptions {
  /** The XPC service name. */
  readonly service: string;
  /** The gRPC address; `undefined` if gRPC is not served. */
  readonly grpc: string | undefined;
  readonly level: LogLevel;
  /** The log file; `undefined` for stderr. */
  readonly logFile: string | undefined;
  /** When it ends by itself. */
  readonly limits: IdlenessLimits;
  /** Whether the line that says that it is ready is JSON. */
  readonly json: boolean;
  /** Quotas that replace the default ones. */
  readonly quotas: Partial<QuotaLimits>;
}

/**
 * Reads the arguments. `userRuntime` is that of `names`. Throws {@link BrokerUsageError} for a wrong argument, and
 * BridgeError `bad_argument` if `names` refuses a name or a path.
 */
export function readBrokerOptions(
  args: readonly string[],
  env: EnvironmentSource,
  userRuntime: () => string | undefined = () => undefined,
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
      "limits",
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
    userRuntime,
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
    quotas: quotasIn(read["limits"]),
  };
}

function levelIn(text: string): LogLevel {
  const level = LOG_LEVELS.find((level) => level === text);
  if (level !== undefined) return level;
  throw new BrokerUsageError(
    `--log-level is one of ${LOG_LEVELS.join(", ")}, not '${text}'`,
  );
}

function quotasIn(text: string | undefined): Partial<QuotaLimits> {
  const limits: Partial<Record<QuotaName, number>> = {};
  for (const part of text?.split(",") ?? []) {
    const [name, number = ""] = part.split("=", 2);
    const known = QUOTA_NAMES.find((each) => each === name);
    if (known === undefined) {
      throw new BrokerUsageError(
        `--limits takes NAME=N, with a NAME of ${QUOTA_TEXT}, not ${
          JSON.stringify(part)
        }`,
      );
    }
    limits[known] = whole(`--limits ${known}`, known, number)!;
  }
  return limits;
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

/** One year: timers have a limit. */
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

/**
 * The property list of the launchd agent. The first client, over the XPC name or the
 * gRPC socket, starts the broker. Without RunAtLoad and KeepAlive, so that a broker
 * runs only while it is used.
 *
 * @module
 */

import type { Names } from "../proto/names.ts";
import type { BrokerProgram } from "./broker_program.ts";
import type { Domain } from "./domain.ts";
import { SIGNATURE } from "./signature.ts";

/** The time between launchd's SIGTERM and SIGKILL. */
const EXIT_TIMEOUT_SECS = 10;
/** The least time between two starts. launchd's own is 10 s, for which clients of a killed broker would wait. */
const THROTTLE_SECS = 1;
/** Written as a decimal number: a property list has no octal ones. */
const SOCKET_MODE = 0o600;

/** The name of the gRPC socket in the agent. The shim asks launchd for this name. */
const GRPC_SOCKET_KEY = "grpc";

type Value =
  | string
  | number
  | boolean
  | readonly string[]
  | { readonly [key: string]: Value };

/** The file for the broker's stderr, beside its log file: errors before the log is open. */
export function agentStderrFile(names: Names): string {
  return `${names.logDirectory}/stderr.log`;
}

/**
 * The text of the agent's property list for a domain of launchd.
 *
 * ```ts ignore
 * const program = brokerProgram({ names, runtime, module, library });
 * const domain = await ownDomain(runProgram, Deno.uid());
 * await Deno.writeTextFile(names.plistFile, agentPlist(names, program, domain));
 * ```
 */
export function agentPlist(
  names: Names,
  program: BrokerProgram,
  { sessionType }: Domain,
): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    `<!-- ${SIGNATURE} -->`,
    '<plist version="1.0">',
    ...element({
      Label: names.launchdLabel,
      MachServices: { [names.service]: true },
      Sockets: {
        [GRPC_SOCKET_KEY]: {
          SockPathName: names.grpcSocket,
          SockPathMode: SOCKET_MODE,
        },
      },
      ProgramArguments: program.argv,
      EnvironmentVariables: program.environment,
      // Standard and Background are throttled. Adaptive begins so too, and a message over
      // XPC ends that, but not a connection to the gRPC socket.
      ProcessType: "Interactive",
      // One, not a list: launchd would load the agent into each domain.
      LimitLoadToSessionType: sessionType,
      ThrottleInterval: THROTTLE_SECS,
      ExitTimeOut: EXIT_TIMEOUT_SECS,
      StandardErrorPath: agentStderrFile(names),
    }, ""),
    "</plist>",
    "",
  ].join("\n");
}

/** The session type in a property list of {@link agentPlist}. */
export function sessionTypeIn(plist: string): string | undefined {
  return /<key>LimitLoadToSessionType<\/key>\s*<string>(\w*)</.exec(plist)?.[1];
}

function element(value: Value, indent: string): string[] {
  const deeper = `${indent}\t`;
  switch (typeof value) {
    case "string":
      return [`${indent}<string>${escaped(value)}</string>`];
    case "number":
      return [`${indent}<integer>${value}</integer>`];
    case "boolean":
      return [`${indent}<${value}/>`];
  }
  if (Array.isArray(value)) {
    return [
      `${indent}<array>`,
      ...value.flatMap((each) => element(each, deeper)),
      `${indent}</array>`,
    ];
  }
  return [
    `${indent}<dict>`,
    ...Object.entries(value).flatMap(([key, each]) => [
      `${deeper}<key>${escaped(key)}</key>`,
      ...element(each, deeper),
    ]),
    `${indent}</dict>`,
  ];
}

/** `text` has no control characters, which XML 1.0 cannot contain: `names` and `brokerProgram` refuse them. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

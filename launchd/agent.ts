/**
 * The property list of the launchd agent. The first client, over the XPC name or the
 * gRPC socket, starts the broker. Without RunAtLoad and KeepAlive, so that a broker
 * runs only while it is used.
 *
 * @module
 */

import type { Names } from "../proto/names.ts";
import type { BrokerProgram } from "./broker_program.ts";
import { SIGNATURE } from "./signature.ts";

/** The time between launchd's SIGTERM and SIGKILL. */
const EXIT_TIMEOUT_SECS = 10;
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
 * The text of the agent's property list.
 *
 * ```ts ignore
 * const program = brokerProgram({ names, runtime, module, library });
 * await Deno.writeTextFile(names.plistFile, agentPlist(names, program));
 * ```
 */
export function agentPlist(names: Names, program: BrokerProgram): string {
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
      // Not Background, which launchd throttles. Adaptive follows the clients' priority.
      ProcessType: "Adaptive",
      LimitLoadToSessionType: "Aqua",
      ExitTimeOut: EXIT_TIMEOUT_SECS,
      StandardErrorPath: agentStderrFile(names),
    }, ""),
    "</plist>",
    "",
  ].join("\n");
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

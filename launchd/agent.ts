/**
 * The property list of the launchd agent: a broker that the first client
 * starts, by its XPC name or its gRPC socket. Neither RunAtLoad nor KeepAlive:
 * what nobody needs does not run.
 *
 * @module
 */

import type { Names } from "../proto/names.ts";
import type { BrokerProgram } from "./broker_program.ts";
import { SIGNATURE } from "./signature.ts";

/** Seconds from launchd's SIGTERM to its SIGKILL. */
const EXIT_TIMEOUT_SECS = 10;
/** As decimal, which is all that a property list has. */
const SOCKET_MODE = 0o600;

/** The name of the gRPC socket in the agent, by which the shim asks launchd for it. */
const GRPC_SOCKET_KEY = "grpc";

type Value =
  | string
  | number
  | boolean
  | readonly string[]
  | { readonly [key: string]: Value };

/** Where launchd puts what the broker writes before it has a log: beside that. */
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
      // Not Background, which launchd throttles; it goes up with its clients' priority.
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

/** Text has no control characters: what makes a program and names refuses them, and XML 1.0 could not say them. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

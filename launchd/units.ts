/**
 * The systemd user units: a socket unit that listens, and the broker that the
 * first client of it starts.
 *
 * @module
 */

import { ServiceError } from "./service_error.ts";
import type { Names } from "../proto/names.ts";
import type { BrokerProgram } from "./broker_program.ts";
import { SIGNATURE } from "./signature.ts";

/**
 * What works for a user's units without namespaces, which a user's manager may
 * not be allowed to make: these are prctl and seccomp alone. V8 writes code
 * that it runs, so MemoryDenyWriteExecute would end it.
 */
const HARDENING = [
  "NoNewPrivileges=yes",
  "LockPersonality=yes",
  "RestrictAddressFamilies=AF_UNIX",
  "RestrictNamespaces=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "SystemCallArchitectures=native",
  "UMask=0077",
];

/** The text of the `.socket` unit. Throws `bad_argument` where there is no XPC socket: on macOS. */
export function socketUnit(names: Names): string {
  const { service, xpcSocket, grpcSocket } = names;
  if (xpcSocket === undefined) {
    throw new ServiceError(
      "bad_argument",
      `Cannot write a socket unit for ${service}: on macOS launchd holds the name`,
      "streamlib broker install",
    );
  }
  return lines([
    `# ${SIGNATURE}`,
    "[Unit]",
    `Description=Sockets of the StreamLib broker ${service}`,
    "",
    "[Socket]",
    "# XPC, then gRPC. The broker tells them apart by their type.",
    `ListenSequentialPacket=${literal(xpcSocket)}`,
    `ListenStream=${literal(grpcSocket)}`,
    `FileDescriptorName=${service}`,
    "SocketMode=0600",
    "DirectoryMode=0700",
    "RemoveOnStop=yes",
    "",
    "[Install]",
    "WantedBy=sockets.target",
  ]);
}

/** The text of the `.service` unit. */
export function serviceUnit(names: Names, program: BrokerProgram): string {
  const { service, systemdSocketUnit } = names;
  const environment = Object.entries(program.environment);
  return lines([
    `# ${SIGNATURE}`,
    "[Unit]",
    `Description=StreamLib broker ${service}`,
    `Requires=${systemdSocketUnit}`,
    `After=${systemdSocketUnit}`,
    "",
    "[Service]",
    "Type=exec",
    // ':' leaves every $ as it is; %% is all there is to escape besides quotes.
    `ExecStart=:${startable(program.argv).map(quoted).join(" ")}`,
    ...environment.map(([name, value]) =>
      `Environment=${quoted(`${name}=${value}`)}`
    ),
    "# That it ended because nobody needed it is no failure.",
    "Restart=on-failure",
    "RestartSec=1",
    "TimeoutStopSec=10",
    ...HARDENING,
    "",
    "[Install]",
    `Also=${systemdSocketUnit}`,
  ]);
}

function lines(all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}

/** A value that is one word to its end: only specifiers are read in it. */
function literal(text: string): string {
  return text.replaceAll("%", "%%");
}

/** systemd starts no program with a quote or a backslash in its path; a shell that becomes it does. */
function startable(argv: readonly string[]): readonly string[] {
  return /["'\\]/.test(argv[0] ?? "")
    ? ["/bin/sh", "-c", 'exec "$0" "$@"', ...argv]
    : argv;
}

const PLAIN = /^[\w@+=:,./-]+$/;

/**
 * One word of several. In double quotes systemd reads the escapes of C; `%`
 * begins a specifier anywhere. Control characters were refused before.
 */
function quoted(text: string): string {
  const word = literal(text);
  return PLAIN.test(word)
    ? word
    : `"${word.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

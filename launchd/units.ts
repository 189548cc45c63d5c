/**
 * The systemd user units: a socket unit that listens, and a service unit with the
 * broker, which the first client starts.
 *
 * @module
 */

import { ServiceError } from "./service_error.ts";
import type { Names } from "../proto/names.ts";
import type { BrokerProgram } from "./broker_program.ts";
import { SIGNATURE } from "./signature.ts";

/**
 * Hardening with prctl and seccomp only: a user's manager may not be allowed to make
 * namespaces. Not MemoryDenyWriteExecute, because V8 generates code.
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

/** The text of the `.socket` unit. Throws `bad_argument` on macOS, which has no XPC socket. */
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

/** The file for an installed broker's stderr, with the words of its last process. Its directory is there as long as the broker can be started at all. */
export function unitStderrFile({ home, service }: Names): string {
  return `${home}/${service}.stderr`;
}

/**
 * The text of the `.service` unit.
 *
 * @param again whether systemd starts a broker that has failed again
 */
export function serviceUnit(
  names: Names,
  program: BrokerProgram,
  again = true,
): string {
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
    // ':' turns off the expansion of $. So only % and quotes are escaped.
    `ExecStart=:${startable(program.argv).map(quoted).join(" ")}`,
    ...environment.map(([name, value]) =>
      `Environment=${quoted(`${name}=${value}`)}`
    ),
    ...(again
      ? [
        "# An unused broker ends with code 0, which is no failure.",
        "Restart=on-failure",
        "RestartSec=1",
      ]
      : []),
    "TimeoutStopSec=10",
    "# A file, because not every user may read the journal.",
    `StandardError=truncate:${literal(unitStderrFile(names))}`,
    ...HARDENING,
    "",
    "[Install]",
    `Also=${systemdSocketUnit}`,
  ]);
}

function lines(all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}

/** Escapes a value that is a whole line: only % is special in it. */
function literal(text: string): string {
  return text.replaceAll("%", "%%");
}

/** systemd cannot start a program with a quote or a backslash in its path; a shell can. */
function startable(argv: readonly string[]): readonly string[] {
  return /["'\\]/.test(argv[0] ?? "")
    ? ["/bin/sh", "-c", 'exec "$0" "$@"', ...argv]
    : argv;
}

const PLAIN = /^[\w@+=:,./-]+$/;

/**
 * Escapes one of several words. In double quotes systemd reads the escapes of C, and `%`
 * begins a specifier. Control characters were refused before.
 */
function quoted(text: string): string {
  const word = literal(text);
  return PLAIN.test(word)
    ? word
    : `"${word.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

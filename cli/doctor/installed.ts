/**
 * The names in the files of a service manager: launchd's agent or systemd's
 * units. Does no I/O.
 *
 * @module
 */

import type { BrokerParts } from "../../launchd/kept_copy.ts";
import type { Names } from "../../proto/names.ts";

/** A file that a service manager reads. */
export interface InstalledFile {
  readonly path: string;
  readonly text: string;
}

/** A name that is not the expected one. */
export interface Mismatch {
  readonly file: InstalledFile;
  /** The key that holds the name, such as Label. */
  readonly key: string;
  readonly found: string;
  readonly expected: string;
  /** Whether the file is named after the service, and so is the one that install writes. */
  readonly inPlace: boolean;
}

/** Whether a file belongs to this service: by its own name, or by a name in it. */
export function isOfService(file: InstalledFile, { service }: Names): boolean {
  return serviceOf(file) === service ||
    [...namesIn(file)].some(([, name]) => name === service);
}

/** The first name in a file of this service that is not the expected one; `undefined` if all are. */
export function mismatchIn(
  file: InstalledFile,
  names: Names,
): Mismatch | undefined {
  const { service, xpcSocket, grpcSocket } = names;
  const inPlace = serviceOf(file) === service;
  const wrong = (key: string, found: string, expected: string): Mismatch => ({
    file,
    key,
    found,
    expected,
    inPlace,
  });
  for (const [key, found] of namesIn(file)) {
    if (found !== service) return wrong(key, found, service);
  }
  if (!inPlace) return wrong("the file's name", serviceOf(file), service);
  for (const [key, found] of pathsIn(file)) {
    const expected = key === "ListenSequentialPacket" ? xpcSocket : grpcSocket;
    if (found !== expected) return wrong(key, found, expected ?? "none");
  }
  return undefined;
}

/** The parts of the broker in a property list that `install` has written; `undefined` if it has no program. */
export function partsIn(plist: string): BrokerParts | undefined {
  const list = /<key>ProgramArguments<\/key>\s*<array>([\s\S]*?)<\/array>/
    .exec(plist)?.[1] ?? "";
  const [runtime, ...args] = [...list.matchAll(/<string>([^<]*)<\/string>/g)]
    .map(([, text = ""]) => plain(text));
  if (runtime === undefined) return undefined;
  return {
    runtime,
    module: args.find((arg) => /\/broker\/main\.[jt]s$/.test(arg)),
    library: stringAfter(plist, "STREAMLIB_LIBRARY") ?? "",
  };
}

/** The service that a file is named after. */
function serviceOf({ path }: InstalledFile): string {
  return path.slice(path.lastIndexOf("/") + 1)
    .replace(/\.(plist|socket|service)$/, "");
}

/** The values that must be the service's name, each with its key. */
function* namesIn({ path, text }: InstalledFile): Generator<[string, string]> {
  if (path.endsWith(".plist")) {
    const label = stringAfter(text, "Label");
    if (label !== undefined) yield ["Label", label];
    const services =
      /<key>MachServices<\/key>\s*<dict>([\s\S]*?)<\/dict>/.exec(text)?.[1] ??
        "";
    for (const [, key = ""] of services.matchAll(/<key>([^<]*)<\/key>/g)) {
      yield ["MachServices", plain(key)];
    }
  } else {
    const named = setting(text, "FileDescriptorName");
    if (named !== undefined) yield ["FileDescriptorName", named];
    const required = setting(text, "Requires");
    if (required?.endsWith(".socket")) {
      yield ["Requires", required.slice(0, -".socket".length)];
    }
  }
}

/** The paths of the sockets that it listens on, each with its key. */
function* pathsIn({ path, text }: InstalledFile): Generator<[string, string]> {
  if (path.endsWith(".plist")) {
    const socket = stringAfter(text, "SockPathName");
    if (socket !== undefined) yield ["SockPathName", socket];
    return;
  }
  for (const key of ["ListenSequentialPacket", "ListenStream"]) {
    const socket = setting(text, key);
    if (socket !== undefined) yield [key, socket];
  }
}

function stringAfter(plist: string, key: string): string | undefined {
  const found = new RegExp(`<key>${key}</key>\\s*<string>([^<]*)</string>`)
    .exec(plist)?.[1];
  return found === undefined ? undefined : plain(found);
}

function plain(xml: string): string {
  return xml.replaceAll("&lt;", "<").replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

function setting(unit: string, key: string): string | undefined {
  return new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1]?.trim()
    .replaceAll("%%", "%");
}

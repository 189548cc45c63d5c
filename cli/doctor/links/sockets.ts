/**
 * Whether the broker's sockets exist, belong to the user alone, and have a
 * listener.
 *
 * @module
 */

import { parseAddress } from "../../../broker/address.ts";
import { managerAdvice, start } from "../advice.ts";
import type { Examination, Link } from "../examination.ts";
import { broken, type Finding, note, ok } from "../finding.ts";
import { whatHangs } from "../hang.ts";
import { linksBehind } from "../needs.ts";
import {
  directoryFault,
  type Fault,
  look,
  type PathInfo,
  socketFault,
} from "../paths.ts";

/** The link. */
export const socketsLink: Link = { name: "sockets", check };

/** One of the broker's sockets. */
interface Socket {
  readonly kind: "xpc" | "grpc";
  readonly path: string;
}

async function check(examination: Examination): Promise<Finding> {
  const { console, known } = examination;
  const there: Socket[] = [];
  const stale: Socket[] = [];
  let odd: Fault | undefined;
  for (const socket of socketsOf(examination)) {
    const { kind, path } = socket;
    const info = await look(path);
    if (info === undefined) continue;
    known.anySocket = true;
    const fault = socketFault(path, info, console.userId());
    if (fault && await isShielded(info, examination)) odd = fault;
    // With the wrong mode or owner it may still work, so later links are checked.
    else if (fault) {
      return broken("sockets", fault.found, {
        ...fault,
        blocks: info.isSocket ? [] : linksBehind(`${kind} socket`),
      });
    }
    switch (await knock(socket)) {
      case "listens":
        there.push(socket);
        break;
      case "stale":
        stale.push(socket);
        break;
      case "full":
        return broken("sockets", `the connection queue of ${path} is full`, {
          ...await whatHangs(examination),
          blocks: linksBehind(`${kind} socket`),
          unreachable: true,
        });
      case "gone":
    }
  }
  return stale.length > 0
    ? left(stale, examination)
    : await listening(there, examination, odd);
}

/** Whether only the mode of a socket is wrong, and no other user can reach it all the same: launchd has made it, in a directory that is private. */
async function isShielded(
  { isSocket, uid, mode }: NonNullable<PathInfo>,
  { console, known }: Examination,
): Promise<boolean> {
  const { plistFile, runDirectory } = known.names!;
  const user = console.userId();
  if (plistFile === undefined || !isSocket || uid !== user) return false;
  const usable = ((mode ?? 0) & 0o600) === 0o600;
  const directory = await look(runDirectory);
  return usable && directoryFault(runDirectory, directory, user) === undefined;
}

function socketsOf({ endpoint, known }: Examination): Socket[] {
  const { xpcSocket, grpcAddress } = known.names!;
  const address = parseAddress(endpoint ?? grpcAddress);
  return [
    ...(xpcSocket === undefined
      ? []
      : [{ kind: "xpc", path: xpcSocket } as const]),
    ...(address.transport === "unix"
      ? [{ kind: "grpc", path: address.path } as const]
      : []),
  ];
}

/** Sockets that a killed broker left behind. Connecting shows it; their age does not. */
function left(stale: readonly Socket[], { known }: Examination): Finding {
  return broken(
    "sockets",
    `no process listens at ${stale.map(({ path }) => path).join(" and ")}`,
    {
      why:
        "a broker was killed and left its sockets behind; the next broker replaces them",
      mend: start(known),
      blocks: linksBehind(
        ...stale.map(({ kind }) => `${kind} socket` as const),
      ),
      unreachable: true,
    },
  );
}

async function listening(
  there: readonly Socket[],
  { known, console }: Examination,
  odd: Fault | undefined,
): Promise<Finding> {
  const kinds = there.map(({ kind }) => kind);
  if (there.length === 0) {
    if (!known.installed) return ok("sockets", "none, no broker is running");
    return broken("sockets", "none, though a broker is installed", {
      why:
        "the service manager should listen on the broker's sockets from login on",
      mend: start(known),
      ...await managerAdvice(known, console),
      blocks: linksBehind("grpc socket", "xpc socket"),
      unreachable: true,
    });
  }
  const { xpcSocket } = known.names!;
  if (kinds.includes("xpc") && !kinds.includes("grpc") && xpcSocket) {
    return note("sockets", "only xpc is listening", {
      why:
        "the broker serves gRPC at another address or not at all; see its options --listen and --no-grpc",
    });
  }
  if (odd) {
    return note("sockets", odd.found, {
      why:
        "launchd made it with another mode than the property list says; its directory belongs to this user alone, so others cannot reach it",
    });
  }
  return ok(
    "sockets",
    `${kinds.join(" and ")} ${
      kinds.length === 1 ? "is" : "are"
    } listening, mode 0600`,
  );
}

/** Connects, and returns the result. Deno cannot connect to an XPC socket, which has another type; but the kernel reports the type only if a process listens. */
async function knock(
  { path }: Socket,
): Promise<"listens" | "stale" | "full" | "gone"> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return "listens";
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return "stale";
    if (error instanceof Deno.errors.WouldBlock) return "full";
    if (error instanceof Deno.errors.NotFound) return "gone";
    if (WRONG_TYPE.test((error as Error).message)) return "listens";
    throw error;
  }
}

/** Linux's EPROTOTYPE, for which Deno has no error class. */
const WRONG_TYPE = /\(os error 91\)/;

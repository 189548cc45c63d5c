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
import { look, socketFault } from "../paths.ts";

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
  for (const socket of socketsOf(examination)) {
    const { kind, path } = socket;
    const info = await look(path);
    if (info === undefined) continue;
    known.anySocket = true;
    const fault = socketFault(path, info, console.userId());
    // With the wrong mode or owner it may still work, so later links are checked.
    if (fault) {
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
    : await listening(there, examination);
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

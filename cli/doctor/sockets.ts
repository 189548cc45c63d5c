/**
 * The sockets of the broker: there, private, and listened on.
 *
 * @module
 */

import { parseAddress } from "../../broker/address.ts";
import { start } from "./advice.ts";
import type { Examination, Link } from "./examination.ts";
import { broken, type Finding, type LinkName, note, ok } from "./finding.ts";
import { whatHangs } from "./hang.ts";
import { look, socketFault } from "./paths.ts";

/** The link. */
export const socketsLink: Link = { name: "sockets", check };

/** One socket, and the links that go through it. */
interface Socket {
  readonly kind: "xpc" | "grpc";
  readonly path: string;
}

const BEHIND: Readonly<Record<Socket["kind"], readonly LinkName[]>> = {
  xpc: ["xpc"],
  grpc: ["grpc", "control plane"],
};

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
    // One with the wrong mode or owner may be listened on: who is behind it is asked all the same.
    if (fault) {
      return broken("sockets", fault.found, {
        ...fault,
        blocks: info.isSocket ? [] : BEHIND[kind],
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
        return broken("sockets", `the queue of ${path} is full`, {
          ...await whatHangs(examination),
          blocks: BEHIND[kind],
          unreachable: true,
        });
      case "gone":
    }
  }
  return stale.length > 0
    ? left(stale, examination)
    : listening(there, examination);
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

/** What is left of a broker that was killed: told by connecting, never by age. */
function left(stale: readonly Socket[], { known }: Examination): Finding {
  return broken(
    "sockets",
    `nobody listens at ${stale.map(({ path }) => path).join(" and ")}`,
    {
      why:
        "a broker was killed, and its sockets are left; the next one takes their place",
      mend: start(known),
      blocks: stale.flatMap(({ kind }) => BEHIND[kind]),
      unreachable: true,
    },
  );
}

function listening(
  there: readonly Socket[],
  { known }: Examination,
): Finding {
  const kinds = there.map(({ kind }) => kind);
  if (there.length === 0) {
    if (!known.installed) return ok("sockets", "none, no broker runs here");
    return broken("sockets", "none, though a broker is installed", {
      why:
        "its service manager listens for it from the start of the session on, or should",
      mend: start(known),
      blocks: ["grpc", "xpc", "control plane"],
      unreachable: true,
    });
  }
  const { xpcSocket } = known.names!;
  if (kinds.includes("xpc") && !kinds.includes("grpc") && xpcSocket) {
    return note("sockets", `only xpc listens`, {
      why:
        "the broker serves gRPC elsewhere, or not at all: see its --listen and --no-grpc",
    });
  }
  return ok("sockets", `${kinds.join(" and ")} listen, 0600`);
}

/** Connects, and says what came of it. One of XPC is of another type than Deno connects to, which the kernel says only where one listens. */
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

/** EPROTOTYPE of Linux; no error of Deno's own. */
const WRONG_TYPE = /\(os error 91\)/;

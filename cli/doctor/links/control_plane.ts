/**
 * Whether the broker shows the probe's connection: over gRPC, in a bootstrap over XPC.
 *
 * @module
 */

import type { ControlClient } from "../../../proto/wire/control.ts";
import type { Examination, Link } from "../examination.ts";
import { broken, type Finding, ok, skipped } from "../finding.ts";

/** How often the state is read: both sides tell the broker that they are ready at about the same time. */
const LOOKS = 20;
const LOOK_MS = 100;

/** The link. */
export const controlPlaneLink: Link = { name: "control plane", check };

async function check(examination: Examination): Promise<Finding> {
  const { console, known, endpoint } = examination;
  const { id, embedded } = known.connection!;
  if (embedded) {
    return skipped(
      "control plane",
      "the host's own broker serves only that host",
    );
  }
  const { service, grpcAddress } = known.names!;
  const inTree = endpoint === undefined && known.bootstrap?.served === true;
  if (!known.answered && !inTree) {
    return skipped("control plane", "the broker serves only XPC");
  }
  const address = inTree ? `xpc:${service}` : endpoint ?? grpcAddress;
  using client =
    await (inTree ? console.connectTree(service) : console.connect(address));
  const seen = await stateOf(client, id, console);
  if (seen === "ready") {
    return ok("control plane", `shows connection ${id.slice(0, 8)}… as ready`);
  }
  if (seen === undefined) {
    return broken(
      "control plane",
      "the broker does not know the probe's connection",
      {
        why:
          `the broker at ${address} is not the one that serves ${service} over XPC`,
        mend: "streamlib broker connections",
      },
    );
  }
  return broken(
    "control plane",
    `the broker shows the probe's connection as ${seen}`,
    {
      why: "both sides are ready and have told the broker",
      mend: "streamlib broker logs -n 20",
    },
  );
}

async function stateOf(
  client: ControlClient,
  id: string,
  { pause }: Examination["console"],
): Promise<string | undefined> {
  const { signal } = new AbortController();
  let seen: string | undefined;
  for (let look = 0; look < LOOKS && seen !== "ready"; look++) {
    if (look > 0) await pause(LOOK_MS, signal);
    const { connections } = await client.call("ListConnections", {});
    seen = connections.find(({ connection_id }) => connection_id === id)
      ?.derived_state;
  }
  return seen;
}

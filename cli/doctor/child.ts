/**
 * What the probe finds: the shim, XPC, the handshake with a child process,
 * frames, and the end.
 *
 * @module
 */

import type { StepFacts, StepFailure, StepReport } from "./probe/steps.ts";
import { INSTALL, start } from "./advice.ts";
import type { Examination, Link } from "./examination.ts";
import { broken, type Finding, type LinkName, note, ok } from "./finding.ts";
import { whatHangs } from "./hang.ts";
import { skew } from "./skew.ts";

/** What goes through the shim. */
const BEHIND_SHIM: readonly LinkName[] = [
  "xpc",
  "handshake",
  "frames",
  "control plane",
  "teardown",
];
const BEHIND_XPC = BEHIND_SHIM.slice(1);
const BEHIND_HANDSHAKE = BEHIND_SHIM.slice(2);

/** The shim is found, loads, and is of this version. */
export const shimLink: Link = {
  name: "shim",
  async check({ probe, console: { env } }) {
    const report = await probe().step("shim");
    return judgeShim(report, Boolean(env.get("STREAMLIB_LIBRARY")));
  },
};

const SOURCES: Readonly<Record<StepFacts["shim"]["source"], string>> = {
  variable: "by STREAMLIB_LIBRARY",
  build: "built here",
  package: "the package's own, hash verified",
};

/** What there is to say of the shim. */
export function judgeShim(
  { facts, failure }: StepReport<"shim">,
  named: boolean,
): Finding {
  if (facts) {
    return ok(
      "shim",
      `ABI ${facts.abi}, ${SOURCES[facts.source]}: ${facts.path}`,
    );
  }
  const found = failure.code === "library_not_found"
    ? "it cannot be loaded"
    : failure.code === "version_mismatch"
    ? "it is of another version"
    : failure.code === "probe_ended"
    ? "the probe does not start"
    : "it cannot be used";
  const checkout = import.meta.url.startsWith("file:");
  return broken("shim", found, {
    why: failure.message,
    mend: named
      ? "unset STREAMLIB_LIBRARY"
      : checkout
      ? "deno task build"
      : 'export STREAMLIB_HOME="$HOME/.streamlib"',
    blocks: BEHIND_SHIM,
  });
}

/** The broker that serves the name answers over XPC. */
export const xpcLink: Link = {
  name: "xpc",
  async check(examination) {
    const { facts, failure } = await examination.probe().step("xpc");
    if (facts) {
      return ok("xpc", `broker ${facts.version} answered in ${facts.ms} ms`);
    }
    return await judgeXpc(failure, examination);
  },
};

/** What there is to say of an XPC service that did not answer. */
export async function judgeXpc(
  failure: StepFailure,
  examination: Examination,
): Promise<Finding> {
  const { known, console: { env } } = examination;
  const { service } = known.names!;
  const given = Boolean(env.get("STREAMLIB_BROKER_XPC_SERVICE"));
  const blocks = given ? BEHIND_XPC : []; // else hosts run one of their own
  switch (failure.code) {
    case "version_mismatch":
      return await skew("xpc", failure.message, examination);
    case "timed_out":
      return broken("xpc", `${service} does not answer`, {
        ...await whatHangs(examination),
        blocks,
        unreachable: true,
      });
    case "broker_unreachable":
      if (known.answered) {
        return broken("xpc", `nobody serves ${service}`, {
          why: "the broker that answers gRPC serves another name over XPC",
          mend: start(known),
          blocks,
          unreachable: true,
        });
      }
      if (given) {
        return broken("xpc", `nobody serves ${service}`, {
          why:
            "STREAMLIB_BROKER_XPC_SERVICE names it, so that no other is tried, and hosts run none of their own",
          mend: "unset STREAMLIB_BROKER_XPC_SERVICE",
          blocks,
          unreachable: true,
        });
      }
      return note("xpc", "no broker, so hosts run one of their own", {
        why: "one broker for many runtimes is there for who wants it",
        mend: INSTALL,
      });
    default:
      return broken("xpc", `${service} cannot be asked`, {
        why: failure.message,
        mend: start(known),
        blocks,
      });
  }
}

/** A child process becomes ready. */
export const handshakeLink: Link = {
  name: "handshake",
  async check({ probe, known }) {
    const { facts, failure } = await probe().step("handshake");
    if (facts) {
      const { connection_id: id, embedded } = facts;
      known.connection = { id, embedded };
      return ok(
        "handshake",
        `${facts.ms} ms, ${facts.process_ms} of them to start process ${facts.client_pid}${
          embedded ? "; broker in the host" : ""
        }`,
      );
    }
    return broken("handshake", "the child process did not become ready", {
      why: failure.message,
      mend: known.answered
        ? "streamlib broker logs -n 20"
        : "streamlib demo --frames 1",
      blocks: BEHIND_HANDSHAKE,
    });
  },
};

/** Frames go there and come back. */
export const framesLink: Link = {
  name: "frames",
  async check({ probe }) {
    return judgeFrames(await probe().step("frames"));
  },
};

/** What there is to say of the frames. */
export function judgeFrames(
  { facts, failure }: StepReport<"frames">,
): Finding {
  const mend = "streamlib demo --frames 60";
  if (failure) {
    return broken("frames", "they did not come back", {
      why: failure.message,
      mend,
      blocks: ["control plane"], // the connection is taken down at once
    });
  }
  const { sent, received, verified, pixel_bytes_copied, round_trip_ms } = facts;
  const found =
    `${sent} there, ${received} back, ${verified} verified, ${pixel_bytes_copied} pixel bytes copied, ${round_trip_ms} ms`;
  if (received < sent || verified < received) {
    return broken("frames", found, {
      why:
        "frames were lost, or came back with other bytes: this is a fault of the library or the machine",
      mend,
    });
  }
  return pixel_bytes_copied === 0
    ? ok("frames", found)
    : broken("frames", found, {
      why: "pixels are shared, never copied: this is a fault of the library",
      mend,
    });
}

/** All is released. */
export const teardownLink: Link = {
  name: "teardown",
  async check({ probe }) {
    probe().release();
    return judgeTeardown(await probe().step("teardown"));
  },
};

/** What there is to say of the end. */
export function judgeTeardown(
  { facts, failure }: StepReport<"teardown">,
): Finding {
  const mend = "streamlib broker doctor --json";
  if (failure) {
    return broken("teardown", "it did not end in order", {
      why: failure.message,
      mend,
    });
  }
  return facts.left === 0
    ? ok("teardown", `in order, nothing is left, ${facts.ms} ms`)
    : broken("teardown", `${facts.left} native objects are left`, {
      why:
        "a process that goes on would leak them: this is a fault of the library",
      mend,
    });
}

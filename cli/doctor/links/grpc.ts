/**
 * Whether the broker answers over gRPC, which the command line and programs in
 * other languages use.
 *
 * @module
 */

import { checkVersion } from "../../../proto/wire/control.ts";
import { BridgeError } from "../../../proto/errors.ts";
import { BROKER_START_MS } from "../../../proto/limits.ts";
import { PROTOCOL_VERSION } from "../../../proto/wire/keys.ts";
import { reasonOf } from "../../session.ts";
import { managerAdvice, start } from "../advice.ts";
import type { Examination, Known, Link } from "../examination.ts";
import { incidentsText, nearlyFull } from "../../text/fullness.ts";
import { broken, type Finding, note, ok, skipped } from "../finding.ts";
import { whatHangs } from "../hang.ts";
import { linksBehind } from "../needs.ts";
import { look } from "../paths.ts";
import { skew } from "../skew.ts";

/** The time for the answer of a broker that runs. */
const ANSWER_MS = 2_000;

/** The time for the answer, in milliseconds: the call may start an installed broker, and on macOS any. */
function answerMs({ installed, names }: Known): number {
  const onDemand = installed || names?.plistFile !== undefined;
  return onDemand ? BROKER_START_MS : ANSWER_MS;
}

/** The link. */
export const grpcLink: Link = { name: "grpc", check };

async function check(examination: Examination): Promise<Finding> {
  const { console, known, endpoint } = examination;
  const address = endpoint ?? known.names!.grpcAddress;
  const given = endpoint ?? console.env.get("STREAMLIB_BROKER_ENDPOINT");
  if (
    !given && await look(known.names!.grpcSocket) === undefined
  ) {
    return skipped(
      "grpc",
      known.anySocket ? "the broker serves only XPC" : "no broker is running",
    );
  }
  using client = await console.connect(address);
  const begun = performance.now();
  const options = { timeoutMs: answerMs(known) };
  try {
    const { version } = await checkVersion(client, address, options);
    known.answered = true;
    const ms = Math.round(performance.now() - begun);
    const health = await client.call("GetHealth", {}, options);
    const [full, incidents] = [nearlyFull(health), incidentsText(health)];
    if (full.length > 0 || incidents !== "") {
      return note("grpc", `broker ${version} answered in ${ms} ms`, {
        why: [...full, ...(incidents ? [`since its start: ${incidents}`] : [])]
          .join("; "),
        mend: "streamlib broker logs",
      });
    }
    return ok(
      "grpc",
      `broker ${version} answered in ${ms} ms, protocol ${PROTOCOL_VERSION}`,
    );
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    return await judge(error, address, examination);
  }
}

async function judge(
  error: BridgeError,
  address: string,
  examination: Examination,
): Promise<Finding> {
  if (error.code === "version_mismatch") {
    return await skew("grpc", error.message, examination);
  }
  const reason = reasonOf(error);
  if (error.code === "timed_out" || reason.includes("does not answer")) {
    return broken(
      "grpc",
      `no answer within ${answerMs(examination.known) / 1000} s at ${address}`,
      {
        ...await whatHangs(examination),
        blocks: linksBehind("grpc"),
        unreachable: true,
      },
    );
  }
  if (error.code !== "broker_unreachable") {
    return broken("grpc", `${address} does not answer like a broker`, {
      why: error.message,
      mend: start(examination.known),
      blocks: linksBehind("grpc"),
    });
  }
  return broken("grpc", `no broker at ${address}`, {
    ...await adviceFor(reason, examination),
    blocks: linksBehind("grpc"),
    unreachable: true,
  });
}

/** Why there is no broker, and what to do. An address that was given is the only one that is tried. */
async function adviceFor(
  reason: string,
  { endpoint, known, console }: Examination,
): Promise<{ why: string; mend: string }> {
  if (endpoint !== undefined) {
    return {
      why: `${reason}; --endpoint gives this address, so no other is tried`,
      mend: "streamlib broker doctor",
    };
  }
  if (console.env.get("STREAMLIB_BROKER_ENDPOINT")) {
    return {
      why:
        `${reason}; STREAMLIB_BROKER_ENDPOINT gives this address, so no other is tried`,
      mend: "unset STREAMLIB_BROKER_ENDPOINT",
    };
  }
  return {
    why: reason,
    mend: start(known),
    ...await managerAdvice(known, console),
  };
}

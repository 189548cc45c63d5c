/** The table of reasons that may be reported after each fault. No other reason may be. */

import {
  HOST_PHASE_TEXT,
  type HostPhase,
} from "../../../proto/states/handshake.ts";
import type { Fault, HandshakeRun } from "./run.ts";

const BROKER = String.raw`the broker 'com\.example\.broker'`;
const UNREACHABLE = new RegExp(`^Cannot reach ${BROKER} for get_version: `);
const NO_BROKER = new RegExp(
  `^not ready within 20 s: .*; the last attempt: Cannot reach ${BROKER} for \\w+: (no such service|it went away)`,
);
const NO_BROKER_FOR_CLIENT = new RegExp(
  `^Cannot reach ${BROKER} for \\w+: no such service`,
);
const NO_ANSWER =
  /^The broker 'com\.example\.broker' did not answer get_version within 10000 ms$/;
const NO_PING = /no ping came within 10000 ms of the hello \(/;
const NO_PONG = /^pong not received: the client said hello, then nothing$/;
/** Said by the client itself, if its channel is heard in time, or else by its stderr. */
const CLIENT_WITHOUT_PING = new RegExp(
  `^(the client failed: |the client exited with code 1 \\(the client had not connected\\); the end of the client's stderr:\nstreamlib client: client: handshake_failed: )${NO_PING.source}`,
);
const HOST_LOST =
  /^The broker has no endpoint for this client: host lost: its connection to the broker ended \(/;
const HUNG_UP =
  /^the host closed the channel before it had tested it \(the host had not answered the hello\)$/;
const ORPHAN = /^The host's process is gone; the last attempt: /;
const HOST_FAILED =
  /^The broker has no endpoint for this client: (host reported: |timed out after 20 s: )/;
/** The host says why it ends. */
const TOLD = /^the host (has failed|refused this client): /;

const PHASES = Object.keys(HOST_PHASE_TEXT) as HostPhase[];

/** Returns the reasons with which a host may end after a fault; `undefined` stands for no failure. */
export function hostReasons(
  fault: Fault,
  run: HandshakeRun,
): readonly (RegExp | undefined)[] {
  switch (fault.kind) {
    case "duplicate":
      return [undefined];
    case "delay":
      return afterDelay(fault);
    case "death":
      if (fault.role === "host") return [undefined];
      if (fault.role === "client") return afterClient(fault, run);
      return afterBroker(fault, run);
  }
}

/** A delayed message causes a failure only if it is later than its timeout. */
function afterDelay({ label }: Fault): readonly (RegExp | undefined)[] {
  const [, what, ms] = /<- (.+) waits (\d+) ms$/.exec(label) ?? [];
  const isOver = (timeoutMs: number): boolean => Number(ms) > timeoutMs;
  if (label.startsWith("host: ")) {
    const hello = what === "hello" || what === "a new peer";
    if (hello && isOver(10_000)) return [CLIENT_WITHOUT_PING];
    if (what === "pong" && isOver(5_000)) return [NO_PONG];
  }
  if (what === "ping" && isOver(5_000)) return [NO_PONG];
  return [
    undefined,
    NO_ANSWER,
    NO_PONG,
    CLIENT_WITHOUT_PING,
    /^not ready within 20 s: /,
  ];
}

/** The reason names the host's phase, which is the phase at the client's death or a later one. */
function afterClient(fault: Fault, run: HandshakeRun): RegExp[] {
  const first = Math.max(
    PHASES.indexOf(fault.phase),
    PHASES.indexOf("storing"),
  );
  const phases = PHASES.slice(first, -1);
  const texts = phases.map((phase) => HOST_PHASE_TEXT[phase]);
  if (run.host.hasSpawned) {
    const how = phases.map((phase) =>
      phase === "open" ? "" : ` \\(${HOST_PHASE_TEXT[phase]}\\)`
    );
    return [new RegExp(`^the client was killed by SIGKILL(${how.join("|")})$`)];
  }
  // Not the host's child: the host learns only of the channel's end.
  return [
    new RegExp(`^the client's channel ended; (${texts.join("|")})$`),
    /^not ready within 20 s: the client had not connected$/,
  ];
}

/** A broker that is back in time causes no failure, except at the first contact. */
function afterBroker(fault: Fault, run: HandshakeRun): (RegExp | undefined)[] {
  const reasons: (RegExp | undefined)[] = [undefined];
  if (fault.firstContact || run.scenario.restart !== "never") {
    reasons.push(UNREACHABLE);
  }
  if (fault.backMs === undefined) reasons.push(NO_BROKER);
  return reasons;
}

/** Returns the reasons with which a client may fail after a fault. It may always end without a failure, because its channel has ended. */
export function clientReasons(
  fault: Fault,
  { host }: HandshakeRun,
): readonly RegExp[] {
  switch (fault.kind) {
    case "duplicate":
      return [];
    case "delay":
      return host.outcome?.failure
        ? [NO_PING, HOST_FAILED, HUNG_UP, TOLD]
        : [NO_PING];
    case "death":
      if (fault.role === "host") return [HOST_LOST, HUNG_UP, ORPHAN];
      // A client that no host has started is not ended by a host.
      return fault.role === "broker" && !host.hasSpawned
        ? [NO_BROKER_FOR_CLIENT]
        : [];
  }
}

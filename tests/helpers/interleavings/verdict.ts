/** The conditions that must hold at the end of a run, whatever the fault was. */

import { RETENTION_MS } from "../../../proto/limits.ts";
import { settled } from "../sim/world.ts";
import { leftIn } from "./actors.ts";
import { clientReasons, hostReasons } from "./reasons.ts";
import type { HandshakeRun } from "./run.ts";

/** How a run ended for its host. */
export type Outcome = "ready" | "failed" | "host dead";

/** The result of a run, and the conditions that it violates. */
interface Verdict {
  readonly outcome: Outcome;
  readonly problems: readonly string[];
}

/** The time limit in which a survivor learns of a death, in virtual milliseconds. */
const KNOWN_WITHIN_MS = 1_000;
/** The time limit of an orderly end, in virtual milliseconds. */
const CLOSING_MS = 10_000;

/** Checks a run that is decided, and ends it. */
export async function judge(run: HandshakeRun): Promise<Verdict> {
  const problems: string[] = [];
  const outcome = outcomeOf(run);
  if (run.stuck !== undefined) {
    return { outcome, problems: [`stuck: ${run.stuck}`] };
  }
  problems.push(...reasonProblems(run), ...promptness(run));
  problems.push(...recordProblems(run));
  if (outcome === "ready") problems.push(...await frameProblems(run));
  problems.push(...await endProblems(run));
  return { outcome, problems };
}

function outcomeOf({ host }: HandshakeRun): Outcome {
  if (host.process.isDead) return "host dead";
  return host.supervisor.bridge.phase === "open" ? "ready" : "failed";
}

// ---- reasons ----

function reasonProblems(run: HandshakeRun): string[] {
  const { host, faults } = run;
  const problems: string[] = [];
  if (!host.process.isDead) {
    const failures = [...host.restarts, host.outcome?.failure]
      .filter((failure) => failure !== undefined);
    const allowed = faults.map((fault) => hostReasons(fault, run));
    for (const { message } of failures) {
      if (allowed.flat().some((one) => one?.test(message))) continue;
      problems.push(`the host's failure does not fit: ${message}`);
    }
    if (
      failures.length === 0 &&
      allowed.some((reasons) => !reasons.includes(undefined))
    ) {
      problems.push("the host has not failed");
    }
    const failure = host.outcome?.failure;
    if (!host.isReady && host.outcome && host.neverReady !== failure) {
      problems.push(`ready has not told the failure: ${host.neverReady}`);
    }
  }
  for (const { process, failure } of host.clients) {
    if (!failure) continue;
    const reasons = faults.flatMap((fault) => clientReasons(fault, run));
    if (reasons.some((one) => one.test(failure.message))) continue;
    problems.push(`${process.name}'s failure does not fit: ${failure.message}`);
  }
  if (faults.length === 0 && host.warnings.length > 0) {
    problems.push(`the host warned: ${host.warnings}`);
  }
  return problems;
}

/** Without a fault no party waits for a timer, and the kernel reports a death at once. */
function promptness(
  { faults, world, scenario, host }: HandshakeRun,
): string[] {
  const { now } = world.timeline;
  const fault = faults.at(-1);
  if (!fault || faults.every(({ kind }) => kind === "duplicate")) {
    return now === 0 ? [] : [`nothing was wrong, and it took ${now} ms`];
  }
  if (fault.kind !== "death") return [];
  const took = now - fault.at;
  if (fault.role === "broker") {
    const { backMs } = fault;
    return backMs === undefined || took <= backMs + KNOWN_WITHIN_MS
      ? []
      : [`the broker was back after ${backMs} ms, and it took ${took} ms`];
  }
  // The host learns of the death of its own child only, and a restart takes time.
  const heard = host.hasSpawned && scenario.restart === "never";
  if (fault.role === "client" && !heard) return [];
  return took <= KNOWN_WITHIN_MS
    ? []
    : [`the survivors took ${took} ms to know of the death`];
}

// ---- the record ----

function recordProblems(run: HandshakeRun): string[] {
  const { host, broker, brokers, faults } = run;
  const problems: string[] = [];
  const ids = new Set(
    brokers.flatMap(({ records }) =>
      records.flatMap(({ connection_id }) => connection_id ?? [])
    ),
  );
  for (const one of brokers) {
    for (const id of ids) problems.push(...backwards(one.states(id)));
    for (const { level, message } of one.records) {
      if (level === "error") problems.push(`the broker logged: ${message}`);
    }
  }
  if (broker.process.isDead) return problems;
  const id = host.supervisor.bridge.connectionId;
  const state = broker.states(id).at(-1);
  const open = !host.process.isDead &&
    host.supervisor.bridge.phase === "open";
  const brokerDied = brokers.length > 1;
  // An ack after the connection's timeout is too late.
  const lateAck = state === "failed" &&
    faults.some(({ kind, label }) =>
      kind === "delay" && label.includes("acked")
    );
  if (open && !brokerDied && !lateAck && state !== "ready") {
    problems.push(`the host is open, its record ${state}`);
  }
  // A broker that came back after the client had connected is told so, and does not wait for the client.
  const reason = broker.records.findLast((one) => one.connection_id === id)
    ?.reason;
  if (
    open && brokerDied && state !== undefined && state !== "ready" &&
    !reason?.startsWith("closed: the channel works")
  ) {
    problems.push(`the host is open, its record ${state}: ${reason}`);
  }
  if (!open && id !== "" && state !== undefined && state !== "failed") {
    problems.push(`the host is over, its record ${state}`);
  }
  const held = broker.process.handles.live("endpoint");
  const done = state === undefined || state === "ready" || state === "failed";
  if (done && held > 0) {
    problems.push(`the record is ${state}, and ${held} endpoints are held`);
  }
  return problems;
}

/** The derived states that may follow each derived state. */
const AFTER: Readonly<Record<string, readonly string[]>> = {
  failed: [],
  ready: ["failed"],
  awaiting_ack: ["ready", "failed"],
  client_connecting: ["awaiting_ack", "failed"],
};

function backwards(states: readonly string[]): string[] {
  return states.flatMap((state, index) => {
    const next = states[index + 1];
    if (next === undefined || (AFTER[state]?.includes(next) ?? true)) return [];
    return [`a record went from ${state} to ${next}`];
  });
}

// ---- frames, and the end ----

async function frameProblems(run: HandshakeRun): Promise<string[]> {
  const { host, world } = run;
  let sent = false;
  host.process.post("sends a frame", () => void (sent = host.sendNote(7)));
  await world.run();
  const back = host.takeNote();
  if (!sent) return ["the gate is open, and a frame was dropped"];
  if (back !== 7) return [`the frame that came back is ${back}`];
  let drained: unknown = "waits";
  host.process.post("drains", () => {
    host.supervisor.drain(undefined).then(
      () => drained = "done",
      (error) => drained = error,
    );
  });
  await world.run();
  return drained === "done" ? [] : [`the drain: ${drained}`];
}

async function endProblems(run: HandshakeRun): Promise<string[]> {
  const { host, world, broker } = run;
  const problems: string[] = [];
  if (!host.process.isDead) {
    if (!host.outcome) {
      host.process.post("closes", () => void host.supervisor.close());
    }
    const until = world.timeline.now + CLOSING_MS;
    const closed = await world.runUntil(() => isAllOver(run), until);
    if (!closed) problems.push(`not closed in time: ${run.describe()}`);
    if (host.outcome) {
      const left = leftIn(host.process);
      if (left) problems.push(`the host has left ${left}`);
    }
  }
  for (const { process, leaks, loads } of host.clients) {
    if (leaks) problems.push(`${process.name} has left ${leaks}`);
    if (loads > 1) problems.push(`${process.name} loads ${loads} times`);
  }
  if (!broker.process.isDead) {
    const until = world.timeline.now + RETENTION_MS + 1_000;
    await world.runUntil(() => false, until);
    const stopping = broker.broker[Symbol.asyncDispose]();
    await settled();
    await world.run();
    await stopping;
    const left = leftIn(broker.process);
    if (left) problems.push(`the broker has left ${left}`);
  }
  return problems;
}

function isAllOver({ host }: HandshakeRun): boolean {
  return host.outcome !== undefined &&
    host.clients.every(({ process }) => process.isDead);
}

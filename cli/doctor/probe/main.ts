/**
 * The probe of `streamlib broker doctor`: a host, a child process and real
 * frames, with a deadline for each step. Writes one line of JSON to stdout for
 * each step ({@link StepLine}), keeps the connection open until standard input
 * ends, and then closes everything.
 *
 * @module
 */

import { BrokerLink } from "../../../ffi/broker_link.ts";
import { permittedEnvironment } from "../../../ffi/environment.ts";
import { chosenShim } from "../../../ffi/library/library.ts";
import { Native } from "../../../ffi/native.ts";
import { writeFully } from "../../../ffi/output.ts";
import { ABI_VERSION } from "../../../ffi/symbols.ts";
import { checkVersion } from "../../../proto/wire/control.ts";
import { BridgeError, describeError } from "../../../proto/errors.ts";
import { serviceName } from "../../../proto/names.ts";
import { packageModule } from "../../../proto/package_root.ts";
import { ReactiveHost } from "../../../host/mod.ts";
import { exchange, type ProbeHost } from "./exchange.ts";
import { PROBE_PORT } from "./probe_frame.ts";
import {
  HOLD_MS,
  type ProbeStep,
  STEP_DEADLINES,
  type StepFacts,
  type StepFailure,
} from "./steps.ts";

/** The time that a broker has to report its version; the same as in a host. */
const CONTACT_MS = 2_000;
/** The interval and the number of checks whether everything is released. */
const RELEASE_POLL_MS = 20;
const RELEASE_POLLS = 100;

const env = permittedEnvironment();

function loadShim(): { native: Native; facts: StepFacts["shim"] } {
  const choice = chosenShim();
  const native = Native.open();
  return {
    native,
    facts: {
      ...(choice.source !== "package" && { path: choice.path }),
      source: choice.source,
      abi: ABI_VERSION,
    },
  };
}

async function reachBroker(native: Native): Promise<StepFacts["xpc"]> {
  const service = serviceName(env);
  const begun = performance.now();
  using link = new BrokerLink(native, service);
  const { version } = await checkVersion(link, service, {
    timeoutMs: CONTACT_MS,
  });
  return { service, version, ms: since(begun) };
}

function launch(): ProbeHost {
  return ReactiveHost.launch({
    module: packageModule(
      "cli/doctor/probe/inverter",
      () => import("./inverter.ts"),
    ),
    inputs: { video: PROBE_PORT },
    outputs: { video: PROBE_PORT },
    runtimeId: `doctor-${Deno.pid}`,
    processorId: "probe",
    output: () => {}, // a failure includes the end of it
    warn: () => {},
  });
}

async function handshake(host: ProbeHost): Promise<StepFacts["handshake"]> {
  await host.ready;
  const { hello = 0, spawned = 0, started = 0 } = host.times;
  return {
    connection_id: host.connectionId,
    service: host.broker.service,
    embedded: host.broker.embedded,
    client_pid: host.clientPid,
    ms: round(started),
    process_ms: round(hello - spawned),
  };
}

async function takeDown(
  host: ProbeHost,
  native: Native,
  liveBefore: number,
): Promise<StepFacts["teardown"]> {
  const begun = performance.now();
  await host.close();
  const failure = await host.ended;
  if (failure) throw failure;
  // XPC releases objects on its own threads, a little later.
  let left = native.stats().live - liveBefore;
  for (let look = 0; left > 0 && look < RELEASE_POLLS; look++) {
    await new Promise((resolve) => setTimeout(resolve, RELEASE_POLL_MS));
    left = native.stats().live - liveBefore;
  }
  return { left, ms: since(begun) };
}

/** Runs one step with its deadline, and reports the result. Returns `undefined` if it failed. */
async function report<S extends ProbeStep>(
  step: S,
  work: () => Promise<StepFacts[S]> | StepFacts[S],
): Promise<StepFacts[S] | undefined> {
  const ms = STEP_DEADLINES[step];
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(
      new BridgeError(
        "timed_out",
        `The step did not end within ${ms / 1000} s`,
      ),
    );
  }, ms);
  try {
    const facts = await Promise.race([work(), late.promise]);
    writeLine({ step, facts });
    return facts;
  } catch (error) {
    writeLine({ step, failure: failureOf(error) });
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function failureOf(error: unknown): StepFailure {
  return error instanceof BridgeError
    ? { code: error.code, message: error.message }
    : { code: "unexpected", message: describeError(error) };
}

function writeLine(line: object): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(line)}\n`);
  writeFully(Deno.stdout, bytes);
}

/** Waits until standard input ends: the parent process has checked the connection, or has ended. */
async function held(): Promise<void> {
  const reader = Deno.stdin.readable.getReader();
  const timer = setTimeout(() => void reader.cancel(), HOLD_MS);
  while (!(await reader.read()).done);
  clearTimeout(timer);
}

async function probe(): Promise<void> {
  let native: Native | undefined;
  await report("shim", () => {
    const loaded = loadShim();
    native = loaded.native;
    return loaded.facts;
  });
  if (!native) return;
  using open = native;
  const liveBefore = open.stats().live;
  await report("xpc", () => reachBroker(open));
  let host: ProbeHost | undefined;
  const ready = await report("handshake", () => handshake(host = launch()));
  if (ready && host && await report("frames", () => exchange(host!))) {
    await held();
  }
  if (host) await report("teardown", () => takeDown(host!, open, liveBefore));
}

function since(begun: number): number {
  return round(performance.now() - begun);
}

function round(ms: number): number {
  return Number(ms.toFixed(1));
}

await probe();
// A step that missed its deadline may still keep the process alive.
Deno.exit(0);

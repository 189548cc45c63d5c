/**
 * A broker with runtimes and connections, for tests of the command line.
 */

import { Broker } from "../../broker/broker.ts";
import type { GrpcClient } from "../../broker/grpc/grpc_client.ts";
import { systemClock } from "../../ffi/clock.ts";
import { Native } from "../../ffi/native.ts";
import { localShim } from "../../ffi/shim.ts";
import { TestConsole } from "./cli.ts";
import { PrivateDirectory } from "./grpc_fixture.ts";

/** The ids of the connections. They are given to the broker, as after a restart. */
export const IDS = {
  waiting: "a1".repeat(16),
  failed: "b2".repeat(16),
} as const;

/** The tokens of the two sides, the same for each connection. */
const TOKENS = { host: "0".repeat(64), client: "1".repeat(64) } as const;

/** A broker in this process, with its own gRPC socket. */
export interface CliStage extends AsyncDisposable {
  readonly directory: string;
  readonly address: string;
  readonly broker: Broker;
  readonly client: GrpcClient;
  /** The broker's time in epoch milliseconds. It does not advance, so that ages are the same in every run. */
  now(): number;
  /** Returns a console whose commands connect to the broker. */
  console(size?: ConstructorParameters<typeof TestConsole>[0]): Promise<
    TestConsole
  >;
}

/** Starts the broker. Loads grpc-js, which needs permissions. */
export async function cliStage(): Promise<CliStage> {
  const { PatientClient } = await import("./patient_client.ts");
  await using held = new AsyncDisposableStack();
  const directory = held.use(new PrivateDirectory()).path;
  const address = `unix:${directory}/run/s`;
  const time = performance.now();
  const broker = held.use(await startBroker(address, time));
  const client = held.use(new PatientClient(address));
  const kept = held.move();
  return {
    directory,
    address,
    broker,
    client,
    now: () => performance.timeOrigin + time,
    console: (size) => new TestConsole(size).connectable(address),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Starts a broker under a random name. Its time is always `time`. */
export function startBroker(
  address: string,
  time: number = performance.now(),
): Promise<Broker> {
  const random = crypto.randomUUID().replaceAll("-", "");
  return Broker.start({
    native: new Native({
      ...localShim(),
      clock: { ...systemClock, now: () => time },
    }),
    service: `com.example.test.${random}`,
    grpc: address,
    log: { sink: () => {}, level: "debug" },
  });
}

/** Registers two runtimes, one of them with a malicious name, and makes two connections: one waits for its client, one has failed. */
export async function populate({ client, directory }: CliStage): Promise<void> {
  await client.call("RegisterRuntime", {
    runtime_id: "studio-1",
    name: "Studio",
    api_endpoint: "unix:/api",
    log_path: `${directory}/studio.log`,
    pid: 4711,
  });
  await client.call("RegisterRuntime", {
    runtime_id: "stage-left-with-a-rather-long-id",
    name: "舞台 \u202ekcatta",
    pid: 42,
  });
  const allocate = async (
    id: string,
    rest: { runtime_id: string; processor_id: string; processor_type: string },
  ): Promise<void> => {
    await client.call("AllocateConnection", {
      ...rest,
      connection_id: id,
      host_token: TOKENS.host,
      client_token: TOKENS.client,
    });
  };
  await allocate(IDS.waiting, {
    runtime_id: "studio-1",
    processor_id: "edges",
    processor_type: "EdgeDetector",
  });
  await client.call("HostAlive", { connection_id: IDS.waiting }, {
    token: TOKENS.host,
  });
  await allocate(IDS.failed, {
    runtime_id: "stage-left-with-a-rather-long-id",
    processor_id: "colour-grading",
    processor_type: "ColourGrading",
  });
  await client.call("ReportFailure", {
    connection_id: IDS.failed,
    side: "client",
    reason: "cannot open \x1b[31mthe GPU\x1b[0m: no such device\nIs it there?",
  }, { token: TOKENS.client });
}

/** Reports the traffic of the waiting connection, for both sides. */
export async function reportStats(
  { client }: CliStage,
  frames: number,
): Promise<void> {
  for (const side of ["host", "client"] as const) {
    await client.call("ReportStats", {
      connection_id: IDS.waiting,
      side,
      path: "lane",
      frames,
      bytes: frames * 1_000_000,
      dropped: side === "host" ? 3 : 1,
      p50_us: side === "host" ? 850 : 400,
      p99_us: side === "host" ? 2300 : 4500,
      ...(side === "host" && {
        hangs: 2,
        settings_json: '{"amount":0.5,"mode":"soft"}',
      }),
    }, { token: TOKENS[side] });
  }
}

/**
 * How long a bystander waits for the broker while a process attacks it, against its
 * quiet value. The attacker is a process of its own,
 * `attacker.ts`.
 */

import { BrokerLink } from "../../ffi/broker_link.ts";
import { Native } from "../../ffi/native.ts";
import { foreground, namesIn } from "../helpers/broker_forms.ts";
import { BrokerProcess } from "../helpers/broker_process.ts";
import { kill } from "../helpers/child.ts";
import { PrivateDirectory } from "../helpers/grpc_fixture.ts";

/** The attacks, see `attacker.ts`. */
const ATTACKS = ["big messages", "unread replies", "PING flood", "quota flood"];
const MEASURE_MS = 3_000;
const BETWEEN_MS = 20;

/** What a bystander waits for one call, in milliseconds. */
export interface Wait {
  readonly attack: string;
  readonly p50: number;
  readonly max: number;
}

/** Measures the bystander, quiet and during each attack. */
export async function measureAttacks(): Promise<Wait[]> {
  const waits: Wait[] = [];
  for (const attack of ["quiet", ...ATTACKS]) waits.push(await during(attack));
  return waits;
}

/** The rows of the report. */
export function attackLines(waits: readonly Wait[]): string[] {
  const quiet = waits[0]!;
  return waits.map(({ attack, p50, max }) =>
    `bystander's call, ${attack.padEnd(16)} p50 ${
      p50.toFixed(2).padStart(8)
    } ms, ${(p50 / quiet.p50).toFixed(1).padStart(5)} times quiet   max ${
      max.toFixed(2).padStart(8)
    } ms`
  );
}

async function during(attack: string): Promise<Wait> {
  using directory = new PrivateDirectory();
  const home = directory.path;
  const { service, grpcSocket } = namesIn(home);
  await using _broker = await BrokerProcess.start(await foreground(home));
  Deno.env.set("STREAMLIB_HOME", home);
  using native = Native.open();
  using link = new BrokerLink(native, service);
  await link.call("GetVersion", {});
  const attacker = attack === "quiet"
    ? undefined
    : new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--allow-all",
        new URL("./attacker.ts", import.meta.url).href,
        attack,
        service,
        grpcSocket,
      ],
      stdout: "piped",
      stderr: "null",
    }).spawn();
  try {
    const reader = attacker?.stdout.getReader();
    await reader?.read();
    await reader?.cancel();
    const waits: number[] = [];
    const end = performance.now() + MEASURE_MS;
    while (performance.now() < end) {
      const began = performance.now();
      await link.call("GetVersion", {}, { timeoutMs: 60_000 });
      waits.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
    }
    waits.sort((a, b) => a - b);
    return { attack, p50: waits[waits.length >> 1]!, max: waits.at(-1)! };
  } finally {
    if (attacker) await kill(attacker);
    Deno.env.delete("STREAMLIB_HOME");
  }
}

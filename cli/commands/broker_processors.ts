/**
 * `streamlib broker processors`.
 *
 * @module
 */

import type { ProcessorInfo } from "../../proto/broker_gen.ts";
import { formatAge } from "../text/ages.ts";
import type { Command, Invocation } from "../command.ts";
import { say, writeJson, writeLines } from "../terminal/console.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { ENDPOINT, JSON_OUTPUT, RUNTIME } from "../options.ts";
import { runtimeId } from "../runtimes.ts";
import { openSession } from "../session.ts";
import { stateStyle } from "../text/states.ts";
import { type Column, tableLines } from "../text/table.ts";

interface ProcessorRow {
  readonly runtime_id: string;
  readonly processor_id: string;
  readonly processor_type: string;
  readonly bridge_state: string;
  readonly age_secs: number;
}

const FIELDS: Readonly<Record<keyof ProcessorRow, string>> = {
  runtime_id: "the runtime that hosts the processor",
  processor_id: "the id of the processor within the runtime",
  processor_type: "the type that its host gave, or empty",
  bridge_state: "the derived state of its newest connection",
  age_secs: "seconds since that connection was allocated",
};

const COLUMNS: readonly Column[] = [
  { title: "PROCESSOR", importance: 3 },
  { title: "TYPE", least: 8 },
  { title: "RUNTIME" },
  { title: "STATE", importance: 2 },
  { title: "AGE", importance: 4 },
];

/** Lists the bridged processors. */
export const brokerProcessors: Command = {
  path: ["broker", "processors"],
  summary:
    "Lists the processors in client processes, each with its newest connection.",
  options: [RUNTIME, JSON_OUTPUT, ENDPOINT],
  json: { form: "an array of objects", fields: FIELDS },
  needs: ["ffi"],
  examples: ["broker processors", "broker processors --runtime studio-1"],
  run,
};

async function run(invocation: Invocation): Promise<ExitCode> {
  const { args, console } = invocation;
  const { out, err } = console;
  using session = await openSession(invocation);
  const runtime = args.get(RUNTIME);
  const { processors } = await session.client.call("ListProcessors", {
    runtime_id: runtime === undefined ? "" : await runtimeId(session, runtime),
  });
  const rows = processors.map((processor) => rowOf(processor, console.now()));
  if (args.has(JSON_OUTPUT)) writeJson(out, rows);
  else if (rows.length === 0) say(err, "No processor is bridged.");
  else {
    writeLines(
      out,
      tableLines(
        COLUMNS,
        rows.map((row) => ({
          cells: [
            row.processor_id,
            row.processor_type || "-",
            row.runtime_id,
            { text: row.bridge_state, style: stateStyle(row.bridge_state) },
            formatAge(row.age_secs),
          ],
        })),
        out,
      ),
    );
  }
  return EXIT.done;
}

function rowOf(processor: ProcessorInfo, now: number): ProcessorRow {
  const { registered_at_unix_ms } = processor;
  const age = Math.floor((now - registered_at_unix_ms) / 1000);
  return {
    runtime_id: processor.runtime_id,
    processor_id: processor.processor_id,
    processor_type: processor.processor_type,
    bridge_state: processor.bridge_state,
    age_secs: Math.max(0, age),
  };
}

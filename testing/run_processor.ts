/**
 * Runs a processor in the process of its test.
 *
 * @module
 */

import type { Processor } from "../client/processor.ts";
import type { CallMap } from "../proto/schema/call_types.ts";
import type { PortMap } from "../proto/schema/port.ts";
import type {
  ProcessorMode,
  TypesOfProcessor,
} from "../proto/schema/processor_types.ts";
import type { SettingMap } from "../proto/schema/settings.ts";
import { ProcessorRun, type RunOptions } from "./processor_run.ts";

/**
 * Runs a processor in this process, on frames in plain memory: without a host,
 * without the shim and without permissions. Its functions are called and its
 * ports behave as in a process of its own. Resolves when its `setup` has returned.
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { DataFrame, reactive } from "@streamlib/bridge/client";
 * import { runProcessor } from "@streamlib/bridge/testing";
 *
 * const echo = reactive({
 *   inputs: { data: DataFrame },
 *   outputs: { data: DataFrame },
 *   process({ input, output }) {
 *     using frame = input.data.get();
 *     if (frame) output.data.send(frame);
 *   },
 * });
 *
 * await using run = await runProcessor(echo);
 * using frame = run.input.data.acquire({
 *   data: new Uint8Array([1, 2]),
 *   schema_name: "two",
 * });
 * run.input.data.send(frame);
 * using result = await run.output.data.next();
 * assertEquals(result?.data, new Uint8Array([1, 2]));
 * await run.end();
 * ```
 *
 * An error of the processor is thrown to whoever reads its output, and by
 * {@link ProcessorRun.end}. Throws `schema_mismatch` if the options' ports do not
 * go with those of the processor, `bad_argument` if a setting is not one of the
 * processor's, and what `setup` throws.
 *
 * @param processor the default export of the processor's module
 * @param options the test's ports, where they are not those of the processor
 */
export function runProcessor<
  M extends ProcessorMode,
  I extends PortMap,
  O extends PortMap,
  S extends SettingMap,
  C extends CallMap,
  const TestI extends PortMap = I,
  const TestO extends PortMap = O,
>(
  processor: Processor<TypesOfProcessor<M, I, O, S, C>>,
  options: RunOptions<TestI, TestO, S> = {},
): Promise<ProcessorRun<TestI, TestO, S, C>> {
  return ProcessorRun.start(processor, options);
}

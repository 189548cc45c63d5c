/**
 * Tests of processors: runs one on frames in the test's own process, without a
 * host and without permissions.
 *
 * ```ts
 * import { manual } from "@streamlib/bridge/client";
 * import { runProcessor } from "@streamlib/bridge/testing";
 *
 * const source = manual({ start: () => {} });
 * await using run = await runProcessor(source);
 * run.start();
 * await run.close();
 * ```
 *
 * @module
 */

export {
  type EndOptions,
  ProcessorRun,
  type RunOptions,
} from "./processor_run.ts";
export { runProcessor } from "./run_processor.ts";

/**
 * When a processor's functions are called, by its mode.
 *
 * @module
 */

import {
  Activity,
  continuousLoop,
  DEFAULT_REST_MS,
  type FrameProgress,
  nextTurn,
} from "../channel/activity.ts";
import { pause, systemClock } from "../ffi/clock.ts";
import type { PortMap } from "../proto/schema/port.ts";
import type { ClientCommand } from "./bridge.ts";
import type {
  Context,
  ContinuousDefinition,
  ManualDefinition,
  Processor,
  ReactiveDefinition,
} from "./processor.ts";

/** How long `start` may take to return once `running` has aborted, at the end. */
const STOP_GRACE_MS = 500;

type AnyContext = Context<PortMap, PortMap>;

/**
 * What the host wants of the processor, and whether there is something to do.
 * What came while nobody looked is remembered.
 */
export class ProcessorInbox {
  /** Changes when a frame or a command comes, or at the end. */
  readonly activity: Activity = new Activity();
  /** Frames that came since this was last set to 0. */
  arrivals = 0;
  readonly #commands: ClientCommand[] = [];

  /** A frame can be read. */
  arrived(): void {
    this.arrivals++;
    this.activity.changed();
  }

  /** The host wants something. */
  command(command: ClientCommand): void {
    this.#commands.push(command);
    this.activity.changed();
  }

  /** The oldest command that nobody took. */
  takeCommand(): ClientCommand | undefined {
    return this.#commands.shift();
  }
}

/** Calls the processor's functions until the context's signal aborts. Throws what they throw. */
export async function runLoop(
  processor: Processor,
  context: AnyContext,
  progress: FrameProgress,
  control: ProcessorInbox,
): Promise<void> {
  switch (processor.mode) {
    case "reactive":
      return await reactive(processor.definition, context, progress, control);
    case "continuous":
      return await continuous(processor.definition, context, progress, control);
    case "manual":
      return await manual(processor.definition, context, control);
  }
}

/** Obeys pause and resume; returns when the processor is not paused, or is over. */
async function whilePaused(
  definition: Processor["definition"],
  context: AnyContext,
  control: ProcessorInbox,
): Promise<void> {
  let paused = false;
  while (!context.signal.aborted) {
    const command = control.takeCommand();
    if (command === "pause" && !paused) {
      paused = true;
      await definition.pause?.(context);
    } else if (command === "resume" && paused) {
      paused = false;
      await definition.resume?.(context);
    } else if (command === undefined) {
      if (!paused) return;
      await control.activity.wait();
    }
  }
}

/** Calls `process` whenever frames came. Control messages are handled between the calls. */
async function reactive(
  definition: ReactiveDefinition<PortMap, PortMap>,
  context: AnyContext,
  progress: FrameProgress,
  control: ProcessorInbox,
): Promise<void> {
  let stuck = false; // the last call took nothing: another makes sense only for a new frame
  while (!context.signal.aborted) {
    await whilePaused(definition, context, control);
    if (context.signal.aborted) return;
    const before = progress.unread;
    if (before === 0 || (stuck && control.arrivals === 0)) {
      await control.activity.wait();
      continue;
    }
    control.arrivals = 0;
    await definition.process(context);
    stuck = progress.unread >= before;
    await nextTurn();
  }
}

async function continuous(
  definition: ContinuousDefinition<PortMap, PortMap>,
  context: AnyContext,
  progress: FrameProgress,
  control: ProcessorInbox,
): Promise<void> {
  await continuousLoop(
    progress,
    control.activity,
    async () => {
      await whilePaused(definition, context, control);
      if (!context.signal.aborted) await definition.process(context);
    },
    definition.restMs ?? DEFAULT_REST_MS,
    context.signal,
  );
}

async function manual(
  definition: ManualDefinition<PortMap, PortMap>,
  context: AnyContext,
  control: ProcessorInbox,
): Promise<void> {
  let running: { stop: AbortController; done: Promise<void> } | undefined;
  let failure: { error: unknown } | undefined;
  const start = async (before: Promise<void> | undefined): Promise<void> => {
    const { signal } = running!.stop;
    await before; // a start after a stop waits until the one before has returned
    if (signal.aborted) return;
    const both = AbortSignal.any([signal, context.signal]);
    await definition.start({ ...context, running: both });
  };
  while (!context.signal.aborted && !failure) {
    const command = control.takeCommand();
    if (command === undefined) {
      await control.activity.wait();
    } else if (
      command === "start" && !running?.stop.signal.aborted && running
    ) {
      continue; // it runs already
    } else if (command === "start") {
      const before = running?.done;
      running = { stop: new AbortController(), done: Promise.resolve() };
      running.done = start(before).catch((error) => {
        if (context.signal.aborted) return; // it ended with the channel
        failure = { error };
        control.activity.changed();
      });
    } else if (command === "stop") {
      running?.stop.abort();
      await definition.stop?.(context);
    } else {
      await definition[command]?.(context);
    }
  }
  running?.stop.abort();
  if (failure) throw failure.error;
  const grace = new AbortController();
  await Promise.race([
    running?.done,
    pause(systemClock, STOP_GRACE_MS, grace.signal),
  ]);
  grace.abort();
}

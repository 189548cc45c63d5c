/**
 * Calls a processor's functions, each mode in its own loop.
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

/** The time that `start` gets to return at the end, after `running` has aborted. */
const STOP_GRACE_MS = 500;

/** The most commands that wait for a processor. */
const MAX_UNTAKEN_COMMANDS = 16;

/** Whether two commands are of the same switch: start and stop, or pause and resume. */
function isSameSwitch(one: ClientCommand, other: ClientCommand): boolean {
  const isStartOrStop = (command: ClientCommand): boolean =>
    command === "start" || command === "stop";
  return isStartOrStop(one) === isStartOrStop(other);
}

type AnyContext = Context<PortMap, PortMap>;

/**
 * Keeps the host's commands and the arrivals of frames until the loop takes
 * them.
 */
export class ProcessorInbox {
  /** Changes when a frame or a command comes, and at the end. */
  readonly activity: Activity = new Activity();
  /** The number of frames that came since this was last set to 0. */
  arrivals = 0;
  #commands: ClientCommand[] = [];

  /** Notes that a frame can be read. */
  arrived(): void {
    this.arrivals++;
    this.activity.changed();
  }

  /**
   * Adds a command of the host, unless it changes nothing. At most
   * {@link MAX_UNTAKEN_COMMANDS} are kept: beyond them the oldest two that undo
   * each other are removed.
   */
  command(command: ClientCommand): void {
    const before = this.#commands.findLast((one) => isSameSwitch(one, command));
    if (before === command) return;
    this.#commands.push(command);
    if (this.#commands.length > MAX_UNTAKEN_COMMANDS) this.#removePair();
    this.activity.changed();
  }

  /** Removes the two oldest commands of one switch: they undo each other, because the commands of a switch alternate. */
  #removePair(): void {
    const [first, second] = this.#commands;
    const pair = this.#commands.filter((one) => isSameSwitch(one, first!));
    const kind = pair.length > 1 ? first! : second!;
    let removed = 0;
    this.#commands = this.#commands.filter((one) =>
      !isSameSwitch(one, kind) || ++removed > 2
    );
  }

  /** Takes the oldest command; `undefined` if there is none. */
  takeCommand(): ClientCommand | undefined {
    return this.#commands.shift();
  }
}

/** Calls the processor's functions until the context's signal aborts. Throws their errors. */
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

/** Handles pause and resume. Returns when the processor is not paused, or when it must end. */
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

/** Calls `process` when frames have come. Commands are handled between the calls. */
async function reactive(
  definition: ReactiveDefinition<PortMap, PortMap>,
  context: AnyContext,
  progress: FrameProgress,
  control: ProcessorInbox,
): Promise<void> {
  let stuck = false; // the last call took no frame: the next call waits for a new one
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
    await before; // a start after a stop waits until the start before it has returned
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
      continue; // it is running
    } else if (command === "start") {
      const before = running?.done;
      running = { stop: new AbortController(), done: Promise.resolve() };
      running.done = start(before).catch((error) => {
        if (context.signal.aborted) return; // the end of the channel caused it
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

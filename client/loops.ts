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
  isAllRead,
} from "../channel/activity.ts";
import { pause, systemClock } from "../ffi/clock.ts";
import type { ClientCommand } from "./bridge.ts";
import type { AnyContext } from "./context.ts";
import type { DoingNote } from "./doing.ts";
import type { AnyDefinition, Processor } from "./processor.ts";
import { RequestQueue } from "./request_queue.ts";

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

/** How often a manual processor's loop looks whether frames were read, while a request waits for that, in milliseconds. */
const LOOK_MS = 16;

/**
 * Keeps the host's commands and the arrivals of frames until the loop takes
 * them.
 */
export class ProcessorInbox {
  /** Changes when a frame, a command or the end of a port comes, when the last frame of a port was read, and at the end. */
  readonly activity: Activity = new Activity();
  /** The host's changes of settings, and calls, that wait for their turn. */
  readonly requests: RequestQueue = new RequestQueue(this.activity);
  /** The number of frames that came since this was last set to 0. */
  arrivals = 0;
  #commands: ClientCommand[] = [];

  /** Notes that a frame can be read. */
  arrived(): void {
    this.arrivals++;
    this.activity.changed();
  }

  /** Notes that an input has ended, or that its last frame was read. */
  portEnded(): void {
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

  /** Whether a command, or a request that is due, waits. One may come while a loop awaits that there is none. */
  get hasTurn(): boolean {
    return this.#commands.length > 0 || this.requests.hasDue;
  }

  /** Takes the oldest command; `undefined` if there is none. */
  takeCommand(): ClientCommand | undefined {
    return this.#commands.shift();
  }
}

/**
 * Calls the processor's functions until the context's signal aborts. Throws their
 * errors.
 *
 * @param progress the channel
 * @param note notes which function runs
 * @param flushed called when the inputs have ended, `flush` has returned and the outputs have ended
 */
export async function runLoop(
  processor: Processor,
  context: AnyContext,
  progress: FrameProgress,
  control: ProcessorInbox,
  note: DoingNote,
  flushed: () => void,
): Promise<void> {
  const { mode, definition } = processor;
  const finish = async (): Promise<void> => {
    await note.during("flush", () => definition.flush?.(context));
    for (const output of Object.values(context.output)) output.end();
    flushed();
  };
  if (mode === "manual") {
    return await manual(definition, context, progress, control, note, finish);
  }
  if (mode === "reactive") {
    await reactive(definition, context, progress, control, note);
  } else await continuous(definition, context, progress, control, note);
  await between(definition, context, progress, control, note);
  if (!context.signal.aborted) await finish();
  while (!context.signal.aborted) {
    await between(definition, context, progress, control, note);
    await control.requests.look(progress.read, "all");
    if (!context.signal.aborted) await control.activity.wait();
  }
}

/**
 * What happens between the calls of `process`: handles pause and resume, and the
 * requests that are due. While the processor is paused it reads no frame, so that
 * all requests are. Returns when it is not paused, or when it must end.
 */
async function between(
  definition: Processor["definition"],
  context: AnyContext,
  progress: FrameProgress,
  control: ProcessorInbox,
  note: DoingNote,
): Promise<void> {
  let paused = false;
  while (!context.signal.aborted) {
    await control.requests.look(progress.read, paused ? "all" : "due");
    const command = control.takeCommand();
    if (command === "pause" && !paused) {
      paused = true;
      await note.during("pause", () => definition.pause?.(context));
    } else if (command === "resume" && paused) {
      paused = false;
      await note.during("resume", () => definition.resume?.(context));
    } else if (command === undefined) {
      if (!paused) return;
      if (!control.requests.hasAny) await control.activity.wait();
    }
  }
}

/**
 * Calls `process` when frames have come, until the inputs have ended and it takes
 * none of the frames that are left. Commands are handled between the calls.
 */
async function reactive(
  definition: AnyDefinition["reactive"],
  context: AnyContext,
  progress: FrameProgress,
  control: ProcessorInbox,
  note: DoingNote,
): Promise<void> {
  let stuck = false; // the last call took no frame: the next call waits for a new one
  while (!context.signal.aborted) {
    await between(definition, context, progress, control, note);
    if (context.signal.aborted) return;
    if (control.hasTurn) continue;
    const before = progress.unread;
    if (before === 0 || (stuck && control.arrivals === 0)) {
      if (progress.incomingEnded) return;
      if (control.requests.hasAny) continue; // nothing is read before it is their turn
      if (progress.spin()) await progress.turn();
      else if (!context.signal.aborted) { // a spin may end the channel
        progress.idles(true);
        await control.activity.wait();
        progress.idles(false);
      }
      continue;
    }
    control.arrivals = 0;
    note.processes();
    await definition.process(context);
    note.processed();
    stuck = progress.unread >= before;
    await progress.turn();
  }
}

/** Calls `process` until the inputs have ended and all their frames were read. */
async function continuous(
  definition: AnyDefinition["continuous"],
  context: AnyContext,
  progress: FrameProgress,
  control: ProcessorInbox,
  note: DoingNote,
): Promise<void> {
  const isOver = (): boolean => context.signal.aborted || isAllRead(progress);
  await continuousLoop(
    progress,
    control.activity,
    async () => {
      do await between(definition, context, progress, control, note); while (
        control.hasTurn && !isOver()
      );
      if (isOver()) return;
      note.processes();
      await definition.process(context);
      note.processed();
    },
    definition.restMs ?? DEFAULT_REST_MS,
    isOver,
  );
}

/** One call of `start`. */
interface Run {
  readonly stop: AbortController;
  done: Promise<void>;
  hasReturned: boolean;
}

function isRunning(run: Run | undefined): boolean {
  return run !== undefined && !run.stop.signal.aborted;
}

async function manual(
  definition: AnyDefinition["manual"],
  context: AnyContext,
  progress: FrameProgress,
  control: ProcessorInbox,
  note: DoingNote,
  finish: () => Promise<void>,
): Promise<void> {
  let running: Run | undefined;
  let paused = false;
  let flushed = false;
  let failure: { error: unknown } | undefined;
  // What `start` has begun may still read, until the host stops it.
  const isFlushDue = (): boolean => {
    if (flushed || paused || !progress.incomingEnded) return false;
    if (!running) return true;
    return running.hasReturned &&
      (running.stop.signal.aborted || isAllRead(progress));
  };
  const start = async (before: Promise<void> | undefined): Promise<void> => {
    const { signal } = running!.stop;
    await before; // a start after a stop waits until the start before it has returned
    if (signal.aborted) return;
    const both = AbortSignal.any([signal, context.signal]);
    note.starts(true);
    await definition.start({ ...context, running: both });
  };
  const { requests } = control;
  while (!context.signal.aborted && !failure) {
    const isReading = isRunning(running) && !paused;
    await requests.look(progress.read, isReading ? "patient" : "all");
    const command = control.takeCommand();
    if (command === undefined && isFlushDue()) {
      flushed = true;
      await finish().catch((error) => failure = { error });
    } else if (command === undefined) {
      await control.activity.wait(requests.hasAny ? LOOK_MS : undefined);
    } else if (
      command === "start" && (flushed || isRunning(running))
    ) {
      continue; // it is running, or has nothing left to do
    } else if (command === "start") {
      const before = running?.done;
      const run: Run = {
        stop: new AbortController(),
        done: Promise.resolve(),
        hasReturned: false,
      };
      running = run;
      run.done = start(before).catch((error) => {
        if (context.signal.aborted) return; // the end of the channel caused it
        failure = { error };
      }).finally(() => {
        note.starts(false);
        run.hasReturned = true;
        control.activity.changed();
      });
    } else if (command === "stop") {
      running?.stop.abort();
      await note.during("stop", () => definition.stop?.(context));
    } else {
      paused = command === "pause";
      await note.during(command, () => definition[command]?.(context));
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

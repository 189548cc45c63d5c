/**
 * Programs that a test runs. Each wait has a deadline. A program that is late
 * is killed, with its descendants.
 */

import {
  CollectedText as Collected,
  describeEnd,
  killTree,
  runToEnd,
  type RunToEndOptions,
} from "../../tools/programs.ts";
import { permittedEnvironment } from "../../ffi/environment.ts";
import type { EnvironmentSource } from "../../proto/environment.ts";
import { PATIENCE_MS, soon } from "./soon.ts";

export { killTree };

/** How a program is run. Without `limitMs` it gets {@link PATIENCE_MS}. */
export type RunOptions =
  & Omit<RunToEndOptions, "limitMs" | "stop" | "sharesSession">
  & Partial<Pick<RunToEndOptions, "limitMs">>;

/**
 * Options for a program that inherits no variable of this process but one:
 * STREAMLIB_LIBXPC, if it is set. Without it the program would behave as on
 * Linux in a test run as on a Mac. See docs/linux-libxpc.md.
 */
export function onlyVariables(
  variables: Readonly<Record<string, string>>,
  own: EnvironmentSource = permittedEnvironment(),
): { readonly clearEnv: true; readonly env: Record<string, string> } {
  const name = "STREAMLIB_LIBXPC";
  const libxpc = own.get(name);
  return {
    clearEnv: true,
    env: { ...(libxpc !== undefined && { [name]: libxpc }), ...variables },
  };
}

/** A program that has ended. */
export interface Ended {
  /** The exit code; 128 + signal number for a signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. If it is late, kills it, and throws with its output. */
export async function run(
  program: string,
  { limitMs = PATIENCE_MS, ...options }: RunOptions,
): Promise<Ended> {
  const ended = await runToEnd(program, {
    ...options,
    limitMs,
    sharesSession: true,
  });
  const { code, stdout, stderr } = ended;
  if (!ended.late && !ended.left) return { code, stdout, stderr };
  const line = [program, ...options.args ?? []].join(" ");
  throw new Error(
    `${line}: ${describeEnd(ended, limitMs)}\n${stdout}${stderr}`,
  );
}

/** Returns how a child has ended. If it is late, kills it, and throws. */
export async function statusOf(
  child: Deno.ChildProcess,
  what: string,
): Promise<Deno.CommandStatus> {
  try {
    return await soon(child.status, what);
  } catch (error) {
    await killTree(child.pid);
    throw error;
  }
}

/** Sends a signal to a child; does nothing if it has ended. */
export function sendSignal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}

/** Kills a child, and returns when it has ended. */
export async function kill(
  child: Deno.ChildProcess,
): Promise<Deno.CommandStatus> {
  sendSignal(child, "SIGKILL");
  return await soon(child.status, "the end of a child that was killed");
}

/** The text that a stream has brought so far. */
export class CollectedText extends Collected {
  /** Waits until `matches` holds for the text. Returns `false` if the stream ends first. */
  async until(
    what: string,
    matches: (text: string) => boolean,
  ): Promise<boolean> {
    while (!matches(this.text)) {
      if (this.isEnded) return false;
      await soon(this.changed, what);
    }
    return true;
  }
}

/** The lines of a process's output, as they come; a last one without a line feed is left out. */
export async function* linesOf(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<string, void> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (text + chunk).split("\n");
    text = lines.pop()!;
    yield* lines;
  }
}

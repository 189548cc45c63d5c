/**
 * The controls in C, `c/tests/controls/`: compiled when they are needed, with the
 * compiler and the flags of the shim.
 */

import { cc, whenChanged } from "../../tools/c/compile.ts";
import { LINUX, listLibxpc, STRICT } from "../../tools/c/sources.ts";
import { describeEnd, runToEnd } from "../../tools/programs.ts";
import { PATIENCE_MS } from "../helpers/soon.ts";
import {
  type Extent,
  NotHere,
  type Round,
  stateless,
  type SubjectPlan,
  type Unit,
} from "./harness/subject.ts";

/** The exit status of a control that this machine cannot run. */
const NOT_MEASURABLE = 3;

/** The name of a control: its file, without the suffix. */
type Control =
  | "busy"
  | "copy"
  | "peers"
  | "ping_pong"
  | "stream"
  | "wake";

/** Compiles a control if it has changed, and returns its path. */
export async function control(name: Control): Promise<string | NotHere> {
  if (Deno.build.os !== "linux") {
    return new NotHere("the controls in C are for Linux");
  }
  const source = `c/tests/controls/${name}.c`;
  const isPeer = name === "peers";
  const flags = [...(isPeer ? LINUX : STRICT), "-O2", "-D_GNU_SOURCE"];
  const sources = [source, ...(isPeer ? await listLibxpc() : [])];
  return await whenChanged(
    `controls/${name}`,
    sources,
    flags,
    (output) => cc([...flags, ...sources, "-o", output]),
  );
}

/** What a program has printed: its values, and where it ran. */
function roundIn(stdout: string): Round {
  const lines = stdout.split("\n").filter((line) => line !== "");
  const said = lines.filter((line) => line.startsWith("# "));
  const samples = lines.filter((line) => !line.startsWith("# ")).map(Number);
  if (samples.some(Number.isNaN)) throw new Error(`no values: ${stdout}`);
  return {
    samples,
    ...(said.length > 0 && {
      placement: said.map((line) => line.slice(2)).join("; "),
    }),
  };
}

/** Runs a program that prints its values, one per line. */
export async function runRound(
  program: string,
  args: readonly string[],
): Promise<Round | NotHere> {
  const ended = await runToEnd(program, {
    args: [...args],
    limitMs: PATIENCE_MS,
  });
  if (ended.code === NOT_MEASURABLE) return new NotHere(ended.stderr.trim());
  if (ended.code !== 0) {
    const how = describeEnd(ended, PATIENCE_MS);
    throw new Error(`${program}: ${how}: ${ended.stderr}`);
  }
  return roundIn(ended.stdout);
}

/** A subject that is a control, run once in each round. */
export function controlPlan(
  name: string,
  unit: Unit,
  program: Control,
  args: (extent: Extent) => readonly (string | number)[],
): SubjectPlan {
  return {
    name,
    unit,
    start: async (extent) => {
      const path = await control(program);
      if (path instanceof NotHere) return path;
      const words = args(extent).map(String);
      const first = await runRound(path, words);
      if (first instanceof NotHere) return first;
      return stateless(async () => {
        const round = await runRound(path, words);
        if (round instanceof NotHere) throw new Error(round.reason);
        return round;
      });
    },
  };
}

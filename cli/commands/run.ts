/**
 * `streamlib run`.
 *
 * @module
 */

import { serviceName } from "../../proto/names.ts";
import { type Command, type Invocation, PROGRAM } from "../command.ts";
import type { Option } from "../option.ts";
import { NotStarted, say } from "../terminal/console.ts";

const ISOLATED: Option<boolean> = {
  name: "isolated",
  meaning:
    "look for a name that no process of the tree serves nowhere else: neither in the bootstrap around this one nor among this user's services",
};

const NO_BROKER: Option<boolean> = {
  name: "no-broker",
  meaning: "serve no broker: only the names of the tree's own processes",
};

const VERBOSE: Option<boolean> = {
  name: "verbose",
  meaning:
    "write a line to stderr for each name that is served or gone, and for the start and the end of CMD",
};

/** The exit codes for a program that cannot be run, as of a shell. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

/** Runs a program in a bootstrap with a broker. */
export const run: Command = {
  path: ["run"],
  summary:
    "Runs a program and all that it starts with a broker and service names of their own.",
  details: [
    "CMD and the processes below it form a tree. They reach the broker and each other by name; no other process does. Nothing is installed, and nothing is written to disk. Options stand before CMD; what follows CMD, or `--`, is CMD's.",
    "stdin, stdout and stderr are CMD's. SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 are sent on to it, but not what its terminal has sent to it already, as with Ctrl-C. The exit code is that of CMD, 128 plus the signal's number if a signal ended it, 127 if there is no such program, 126 if it cannot be run.",
    "When CMD ends, the broker and all names end with it. Processes of the tree that go on keep the connections that they have, and find no name any more.",
  ],
  operands: [
    { label: "CMD", meaning: "the program" },
    { label: "ARG", count: "any", meaning: "an argument of the program" },
  ],
  options: [ISOLATED, NO_BROKER, VERBOSE],
  endsOptions: true,
  needs: ["run", "ffi"],
  examples: [
    "run -- deno run --allow-all host.ts",
    "run make test",
    "run --isolated bash -c './server & ./client'",
  ],
  run: runCommand,
};

async function runCommand({ args, console }: Invocation): Promise<number> {
  const [program = "", ...rest] = args.operands;
  const service = serviceName(console.env);
  try {
    return await console.runTree({
      program,
      args: rest,
      service: args.has(NO_BROKER) ? undefined : service,
      isolated: args.has(ISOLATED),
      verbose: args.has(VERBOSE),
      started: () => console.giveUp(["run", "ffi"]),
    });
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error;
    const why = !error.isMissing
      ? error.message
      : program.includes("/")
      ? "there is no such file, or the interpreter that its first line names is missing"
      : "there is no such program on the PATH";
    say(console.err, `${PROGRAM}: Cannot run '${program}': ${why}`);
    return error.isMissing ? NOT_FOUND : NOT_EXECUTABLE;
  }
}

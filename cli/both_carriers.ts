/**
 * Calls a broker on both carriers: gRPC from this process, XPC from a program with ffi.
 *
 * @module
 */

import { complaintOf } from "../launchd/run_program.ts";
import { BROKER_START_MS } from "../proto/limits.ts";
import {
  type Callable,
  contact,
  lastWordLines,
  type NoAnswer,
} from "./first_contact.ts";
import { argumentsFor, contactProgram } from "./own_programs.ts";
import type { Console } from "./terminal/console.ts";

/** The limit for the program with ffi: its wait, and Deno's start on a slow machine. */
const XPC_LIMIT_MS = BROKER_START_MS + 10_000;

/**
 * Waits until a broker answers on both carriers. Returns why it does not;
 * `undefined` if it does.
 *
 * @throws {BridgeError} `version_mismatch`
 */
export async function bothCarriers(
  service: Callable,
  console: Console,
): Promise<NoAnswer | undefined> {
  const { found, more } = await contact(service, console);
  if (found !== undefined) return { found, more };
  const { names, manager } = service;
  const ran = await console.runProgram(
    Deno.execPath(),
    argumentsFor(contactProgram(), [names.service]),
    { timeoutMs: XPC_LIMIT_MS },
  );
  if (ran?.code === 0) return undefined;
  return {
    found: `it answers over gRPC, but not over XPC: ${
      ran ? complaintOf(ran) : "there is no Deno to ask it"
    }`,
    more: await lastWordLines(manager),
  };
}

/**
 * Makes the failure of a host out of what is known of its client: the error that
 * it reported, how its process and its channel ended, and why it was refused.
 *
 * @module
 */

import type { KnownEnd } from "../ffi/end_reason.ts";
import {
  BridgeError,
  describeError,
  type ErrorCode,
  isErrorCode,
} from "../proto/errors.ts";
import { fitText } from "../proto/escape.ts";
import { exhaustion } from "../proto/exhaustion.ts";
import { MAX_ERROR_LENGTH } from "../proto/limits.ts";
import { PACKAGE_ROOT } from "../proto/package_root.ts";
import { HOST_PHASE_TEXT, type HostPhase } from "../proto/states/handshake.ts";
import type { HelloProblem } from "../proto/states/handshake_messages.ts";
import { CHANNEL_KEY, clientLineStart } from "../proto/wire/keys.ts";
import { getString, type XpcDictionary } from "../proto/wire/xpc_value.ts";
import type { ClientStatus } from "./client_status.ts";
import {
  hasPythonCalls,
  isPythonStack,
  placeInPython,
  stackWhenEnded,
  textOfPython,
  withTextFirst,
} from "./python_stack.ts";
import { FIRST_MODULE_START } from "./spawn/client_arguments.ts";
import { type ClientExit, describeExit, describeTail } from "./spawn/spawn.ts";

/** Why a host fails, as far as it is known without its frames. */
export interface FailureFacts {
  readonly code: ErrorCode;
  readonly reason: string;
  /** The client's error, with its own code and stack. */
  readonly cause?: Error | undefined;
}

/** Frames of these parts of the package are not where the user's code failed. */
const OWN_PARTS = /\/(?:channel|client|dist|ffi|proto)\/[^/]|^(?:ext|node):/;
const ROOT = PACKAGE_ROOT.href;

/**
 * The failure that a client reports with a control message `error`.
 *
 * @param status what it did, as it has said; "" if it has not
 * @param explain returns what is to be said with an error of such a client
 */
export function reportedFailure(
  body: XpcDictionary,
  phase: HostPhase,
  status: string,
  explain: (text: string) => string = () => "",
): FailureFacts {
  const text = getString(body, CHANNEL_KEY.error);
  if (text === undefined) {
    return {
      code: "malformed_message",
      reason: "the client failed, and its report of the error has no string " +
        `'${CHANNEL_KEY.error}'`,
    };
  }
  const { code, reason, cause } = reportedError(body, text, status);
  return {
    // An error before the start is about the module. Its code is kept, since a restart would not cure it.
    code: (phase === "awaiting_started" && code) || "client_failed",
    reason: `the client failed: ${reason}${explain(text)}`,
    cause,
  };
}

/**
 * The error in a message of a client, which calls it `report`: its code, if it has one,
 * the text with the place in the user's code, and the error itself.
 *
 * @param note what is known beside it, for the same line; "" if nothing is
 */
export function reportedError(
  body: XpcDictionary,
  report: string,
  note = "",
): { code: ErrorCode | undefined; reason: string; cause: Error } {
  const said = getString(body, CHANNEL_KEY.code);
  const code = isErrorCode(said) ? said : undefined;
  const isStack = isPythonStack(report);
  const text = isStack ? textOfPython(report) : report;
  const stack = getString(body, CHANNEL_KEY.stack) ??
    (isStack ? report : undefined);
  const place = stack === undefined ? "" : placeIn(stack);
  return {
    code,
    reason: `${text}${note && ` (${note})`}${place && `\n    ${place}`}`,
    cause: causeOf(code, text, stack),
  };
}

/** The client's error, as an error of this process: Deno prints it as the cause, with the client's stack. */
function causeOf(
  code: ErrorCode | undefined,
  text: string,
  stack: string | undefined,
): Error {
  // As describeError has joined them.
  const [, name = "Error", message = text] =
    /^(\w{1,64}): ([^]*)$/.exec(text) ?? [];
  const cause = code === undefined
    ? new Error(fitText(message, MAX_ERROR_LENGTH))
    : new BridgeError(code, message);
  cause.name = name;
  cause.stack = stack === undefined
    ? `${cause.name}: ${cause.message}`
    : fitText(withTextFirst(stack, text), MAX_ERROR_LENGTH);
  return cause;
}

/** The innermost line of a stack that is in the user's code; "" if there is none. */
function placeIn(stack: string): string {
  if (hasPythonCalls(stack)) return placeInPython(stack);
  for (const line of stack.split("\n")) {
    const place = line.trim();
    if (!place.startsWith("at ") || place.includes(FIRST_MODULE_START)) {
      continue;
    }
    const inOurs = place.indexOf(ROOT);
    const path = inOurs < 0 ? "" : place.slice(inOurs + ROOT.length - 1);
    if (!OWN_PARTS.test(path) && !/\b(?:ext|node):/.test(place)) return place;
  }
  return "";
}

/**
 * The failure of a client whose process has ended, and that has reported no error over the channel.
 *
 * @param name its name in what it writes
 * @param status what it did, as it has said; "" if it has not
 * @param explain returns what is to be said with an error of such a client
 */
export function exitFailure(
  exit: ClientExit,
  name: string,
  phase: HostPhase,
  status: string,
  refused: HelloProblem | undefined,
  explain: (text: string) => string = () => "",
): FailureFacts {
  const howFar = [
    ...(phase === "open" ? [] : [HOST_PHASE_TEXT[phase]]),
    ...(status === "" ? [] : [status]),
  ].join("; ");
  const reason = describeExit(exit, howFar);
  const written = writtenFailure(exit.stderrTail, name);
  const proven = refused?.isOurClient ? refused.code : undefined;
  return {
    // As in a report: an error before the start keeps its code.
    code: (phase !== "open" && (written?.code ?? proven)) || "client_failed",
    reason: reason + explain(exit.stderrTail) + refusalNote(refused),
    cause: written,
  };
}

/** The failure of a client that hangs. */
export function hangFailure(
  limitSecs: number,
  { text, unreleased }: Pick<ClientStatus, "text" | "unreleased">,
): FailureFacts {
  const facts = [
    ...(text === "" ? [] : [text]),
    `frames not released: ${unreleased}`,
  ];
  return {
    code: "client_hung",
    reason:
      `the client hangs: it has sent nothing for ${limitSecs} s and does not answer (${
        facts.join("; ")
      })`,
  };
}

/**
 * The failure of a client that hung, after its end: with the place in the user's code
 * where it was, if it has written that. A client in Python does.
 */
export function hungFailure(
  failure: FailureFacts,
  stderrTail: string,
): FailureFacts {
  const stack = stackWhenEnded(stderrTail);
  const place = placeInPython(stack);
  if (place === "") return failure;
  const cause = new Error("the client hung here");
  cause.stack = fitText(
    withTextFirst(stack, cause.message),
    MAX_ERROR_LENGTH,
  );
  return { ...failure, reason: `${failure.reason}\n    ${place}`, cause };
}

/** The failure of a host that was not ready in time. `trouble`: why the last request to the broker failed, or "". */
export function lateFailure(
  { timeoutSecs, phase, trouble, refused, stderrTail }: {
    readonly timeoutSecs: number;
    readonly phase: HostPhase;
    readonly trouble: string;
    readonly refused: HelloProblem | undefined;
    readonly stderrTail: string;
  },
): FailureFacts {
  return {
    code: "timed_out",
    reason: `not ready within ${timeoutSecs} s: ${HOST_PHASE_TEXT[phase]}${
      trouble && `; the last attempt: ${trouble}`
    }${refusalNote(refused)}${describeTail(stderrTail)}`,
  };
}

/** Tells of a refused peer, which may have been the client; "" if there was none. */
function refusalNote(refused: HelloProblem | undefined): string {
  return refused === undefined ? "" : `; a peer was refused: ${refused.reason}`;
}

/** The error that a client has written last to stderr: one that failed before it had a channel cannot report it otherwise. */
function writtenFailure(
  stderrTail: string,
  name: string,
): BridgeError | undefined {
  const start = `\n${clientLineStart(name)}`;
  const [, ...said] = `\n${stderrTail}`.split(start);
  const [, code, text] = /^([a-z_]+): ([^]*)$/.exec(said.at(-1) ?? "") ?? [];
  if (!isErrorCode(code)) return undefined;
  const error = new BridgeError(code, text ?? "");
  error.stack = `${error.name}: ${error.message}`; // the place here says nothing
  return error;
}

/** The failure when it is known why the channel has ended. */
export function channelFailure(
  known: KnownEnd,
  phase: HostPhase,
): FailureFacts {
  return { ...known, reason: `${known.reason} (${HOST_PHASE_TEXT[phase]})` };
}

/** The failure when the client has ended the channel, and its process goes on. */
export function endFailure(phase: HostPhase): FailureFacts {
  return {
    code: "client_failed",
    reason: `the client's channel ended; ${HOST_PHASE_TEXT[phase]}`,
  };
}

/** The failure of a step of the host itself. */
export function stepFailure(error: unknown): FailureFacts {
  if (!(error instanceof BridgeError)) {
    return { code: "native_failure", reason: describeError(error) };
  }
  const { code, message, cause } = error;
  // Deno's own error, of this process: what another process says comes as a BridgeError.
  const own = cause instanceof Error && !(cause instanceof BridgeError)
    ? exhaustion(describeError(cause))
    : undefined;
  return own === undefined
    ? { code, reason: message }
    : { code: "native_failure", reason: `${message}: ${own}` };
}

/**
 * The control API as its callers see it: the calls of `broker.proto`, typed,
 * whatever carries them.
 *
 * @module
 */

import type {
  GetVersionResponse,
  Messages,
  MethodName,
  METHODS,
} from "../broker_gen.ts";
import { BridgeError } from "../errors.ts";
import { PROTOCOL_VERSION } from "./keys.ts";
import {
  uint64,
  type XpcDictionary,
  XpcNumber,
  type XpcValue,
} from "./xpc_value.ts";

/** The name of a call with a stream of answers. */
export type StreamMethod = {
  [M in MethodName]: (typeof METHODS)[M]["responseStream"] extends true ? M
    : never;
}[MethodName];
/** The name of a call with one answer. */
export type UnaryMethod = Exclude<MethodName, StreamMethod>;
/** What a call is asked; absent fields are their defaults. */
export type RequestOf<M extends MethodName> = Partial<
  Messages[(typeof METHODS)[M]["request"]]
>;
/** What a call answers; every field is there. */
export type ResponseOf<M extends MethodName> =
  Messages[(typeof METHODS)[M]["response"]];

/** What goes with one call. */
export interface CallOptions {
  /** The token of the side that speaks, for a connection that has tokens. */
  token?: string;
  /** Cancels the call, which then throws `aborted`. */
  signal?: AbortSignal;
  /** Milliseconds for the answer, or, for a stream, for the connection to stand. 5000 by default. */
  timeoutMs?: number;
}

/** How long a call may take where nobody says. */
export const CALL_TIMEOUT_MS = 5_000;

/** A carrier of the control API, to one broker. */
export interface ControlClient extends Disposable {
  /**
   * Makes a call with one answer.
   *
   * @throws {BridgeError} `broker_unreachable` or `broker_lost` where there is
   * no broker or its answer was lost, `timed_out`, `aborted`, `bad_argument`,
   * `not_permitted`. That the broker will not do it is no error but an answer
   * with `success: false`; see {@link accepted}
   */
  call<M extends UnaryMethod>(
    method: M,
    request: RequestOf<M>,
    options?: CallOptions,
  ): Promise<ResponseOf<M>>;
}

/** Opens a carrier of the control API to the broker at an address. */
export type OpenControl = (address: string) => Promise<ControlClient>;

/** The answer, where the broker has done what it was asked. Throws `connection_failed` with its words where not. */
export function accepted<R extends { success: boolean; error?: string }>(
  method: string,
  response: R,
): R {
  if (response.success) return response;
  throw new BridgeError(
    "connection_failed",
    `The broker refused ${method}: ${response.error || "no reason was given"}`,
  );
}

/**
 * What the broker is, at first contact.
 *
 * @param where the broker's name or address, for people
 * @param expected the version that this side speaks
 * @throws {BridgeError} `version_mismatch`, naming both versions, where it
 * speaks another version of the protocol; what the call throws
 */
export async function checkVersion(
  control: ControlClient,
  where: string,
  options: CallOptions = {},
  expected: number = PROTOCOL_VERSION,
): Promise<GetVersionResponse> {
  const found = await control.call("GetVersion", {}, options);
  if (found.protocol_version === expected) return found;
  throw new BridgeError(
    "version_mismatch",
    `Cannot work with the broker '${where}': it is ${
      found.version || "(unknown)"
    } and speaks protocol version ${
      found.protocol_version ?? "(none)"
    }, this side speaks ${expected}; update the older one, then restart the broker`,
  );
}

/** Whether a call failed because there is no broker now, or none that answers, not by its decision. */
export function isBrokerGone(error: unknown): boolean {
  return error instanceof BridgeError &&
    (error.code === "broker_unreachable" || error.code === "broker_lost" ||
      error.code === "timed_out");
}

/** A message of the control API as XPC carries it: integers as uint64, absent fields absent. */
export function toDictionary(message: object): XpcDictionary {
  const body: Record<string, XpcValue> = {};
  for (const [key, value] of Object.entries(message)) {
    if (value !== undefined) body[key] = toXpcValue(value);
  }
  return body;
}

function toXpcValue(value: unknown): XpcValue {
  if (typeof value === "number") return uint64(Math.max(0, Math.round(value)));
  if (Array.isArray(value)) return value.map(toXpcValue);
  if (typeof value === "object" && value !== null) return toDictionary(value);
  return value as XpcValue;
}

/** The scalars of a message that XPC has carried. Capabilities and nested values have no meaning there and stay out. */
export function fromDictionary(body: XpcDictionary): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(body)) {
    if (value instanceof XpcNumber) plain[key] = value.toNumber();
    else if (typeof value === "string" || typeof value === "boolean") {
      plain[key] = value;
    }
  }
  return plain;
}

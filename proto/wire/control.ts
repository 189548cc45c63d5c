/**
 * The control API for callers: the calls of `broker.proto` with types,
 * independent of the carrier.
 *
 * @module
 */

import {
  DESCRIPTOR,
  type GetVersionResponse,
  type Messages,
  type MethodName,
  METHODS,
} from "../broker_gen.ts";
import { show } from "../schema/schema_place.ts";
import { BridgeError } from "../errors.ts";
import { PROTOCOL_VERSION } from "./keys.ts";
import {
  uint64,
  type XpcDictionary,
  XpcNumber,
  type XpcValue,
} from "./xpc_value.ts";

/** The name of a call with a stream of responses. */
export type StreamMethod = {
  [M in MethodName]: (typeof METHODS)[M]["responseStream"] extends true ? M
    : never;
}[MethodName];
/** The name of a call with one response. */
export type UnaryMethod = Exclude<MethodName, StreamMethod>;
/** The request of a call. Absent fields have their defaults. */
export type RequestOf<M extends MethodName> = Partial<
  Messages[(typeof METHODS)[M]["request"]]
>;
/** The response of a call. Every field is present. */
export type ResponseOf<M extends MethodName> =
  Messages[(typeof METHODS)[M]["response"]];

/** Options of one call. */
export interface CallOptions {
  /** The token of the calling side, if the connection has tokens. */
  token?: string;
  /** Cancels the call, which then rejects with `aborted`. */
  signal?: AbortSignal;
  /** Milliseconds until the response, or for a stream until it is connected. 5000 by default. */
  timeoutMs?: number;
}

/** Default time limit of a call, in milliseconds. */
export const CALL_TIMEOUT_MS = 5_000;

/** A carrier of the control API, to one broker. */
export interface ControlClient extends Disposable {
  /**
   * Makes a call with one response.
   *
   * @throws {BridgeError} `broker_unreachable` if there is no broker,
   * `broker_lost` if its response was lost, `timed_out`, `aborted`,
   * `bad_argument`, `not_permitted`. A refusal by the broker is not an error but
   * a response with `success: false`, see {@link accepted}
   */
  call<M extends UnaryMethod>(
    method: M,
    request: RequestOf<M>,
    options?: CallOptions,
  ): Promise<ResponseOf<M>>;
}

/** Opens a carrier to the broker at `address`. */
export type OpenControl = (address: string) => Promise<ControlClient>;

/** Returns the response if the broker did what was asked. Otherwise throws `connection_failed` with the reason that it gave. */
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
 * Checks a response that came as a dictionary, before its fields are used.
 *
 * @param where the broker's name
 * @throws {BridgeError} `malformed_message`, naming the field and what was found,
 * if a field has a wrong type, or if the response has no field of this call
 */
export function checkedResponse<M extends UnaryMethod>(
  method: M,
  fields: Readonly<Record<string, unknown>>,
  where: string,
): ResponseOf<M> {
  const malformed = (what: string): BridgeError =>
    new BridgeError(
      "malformed_message",
      `The reply of the broker '${where}' to ${method} is malformed: ${what}`,
    );
  const expected = Object.entries(
    DESCRIPTOR[METHODS[method].response]?.fields ?? {},
  );
  const names = expected.map(([name]) => name);
  if (names.length > 0 && names.every((name) => fields[name] === undefined)) {
    throw malformed(
      `it has none of the fields ${names.join(", ")}`,
    );
  }
  for (const [name, { type, rule }] of expected) {
    const value = fields[name];
    const wanted = FIELD_TYPES[type];
    if (value === undefined || wanted === undefined || rule) continue;
    const found: string = typeof value;
    if (found !== wanted) {
      throw malformed(`'${name}' is ${show(value)}, not a ${wanted}`);
    }
  }
  return fields as unknown as ResponseOf<M>;
}

/** What a field of each scalar type is in JavaScript. */
const FIELD_TYPES: Readonly<Record<string, "string" | "boolean" | "number">> = {
  string: "string",
  bool: "boolean",
  int32: "number",
  uint32: "number",
  int64: "number",
  uint64: "number",
  double: "number",
};

/**
 * Asks the broker for its version and checks that of the protocol.
 *
 * @param where the broker's name or address, for the error
 * @param expected the protocol version of this side
 * @throws {BridgeError} `version_mismatch`, naming both versions, if the broker
 * has another protocol version; what the call throws
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

/** Whether a call failed because no broker was reached or none answered, and not because the broker refused. */
export function isBrokerGone(error: unknown): boolean {
  return error instanceof BridgeError &&
    (error.code === "broker_unreachable" || error.code === "broker_lost" ||
      error.code === "timed_out");
}

/** Converts a message of the control API into an XPC dictionary. Numbers become uint64; undefined fields are left out. */
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

/** Converts an XPC dictionary into a message of the control API. Keeps scalars only: no call has capabilities or nested values. */
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

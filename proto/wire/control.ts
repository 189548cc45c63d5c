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
  isDictionary,
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
 * Converts a response that came as a dictionary, and checks it before its fields
 * are used. In the messages of a list every field is present afterwards.
 *
 * @param where the broker's name
 * @throws {BridgeError} `malformed_message`, naming the field and what was found,
 * if a field has a wrong type, or if the response has no field of this call
 */
export function checkedResponse<M extends UnaryMethod>(
  method: M,
  body: XpcDictionary,
  where: string,
): ResponseOf<M> {
  const malformed = (what: string): BridgeError =>
    new BridgeError(
      "malformed_message",
      `The reply of the broker '${where}' to ${method} is malformed: ${what}`,
    );
  const type = METHODS[method].response;
  const names = Object.keys(DESCRIPTOR[type]?.fields ?? {});
  if (names.length > 0 && names.every((name) => body[name] === undefined)) {
    throw malformed(
      `it has none of the fields ${names.join(", ")}`,
    );
  }
  return checkedMessage(type, body, malformed) as unknown as ResponseOf<M>;
}

/** The fields of a message. Those that it does not have stay absent, unless it is in a list. */
function checkedMessage(
  message: string,
  body: XpcDictionary,
  malformed: (what: string) => BridgeError,
  isInList = false,
): Record<string, unknown> {
  const checked = fromDictionary(body);
  const fields = Object.entries(DESCRIPTOR[message]?.fields ?? {});
  for (const [name, { type, rule }] of fields) {
    const one = (value: XpcValue): unknown => {
      const wanted = FIELD_TYPES[type];
      if (wanted === undefined) {
        if (!isDictionary(value)) {
          throw malformed(`'${name}' is ${show(value)}, not a dictionary`);
        }
        return checkedMessage(type, value, malformed, true);
      }
      const found = plainOf(value);
      const kind: string = typeof found;
      if (kind === wanted) return found;
      throw malformed(`'${name}' is ${show(found ?? value)}, not a ${wanted}`);
    };
    const value = body[name];
    if (rule === "repeated") {
      const list = value ?? [];
      if (!Array.isArray(list)) {
        throw malformed(`'${name}' is ${show(value)}, not an array`);
      }
      checked[name] = list.map(one);
    } else if (value !== undefined) checked[name] = one(value);
    else if (isInList) checked[name] = DEFAULTS[FIELD_TYPES[type] ?? "string"];
  }
  return checked;
}

/** What a missing field of a message in a list is. */
const DEFAULTS = { string: "", boolean: false, number: 0 } as const;

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

/** Converts an XPC dictionary into a message of the control API. Keeps scalars only: no request has capabilities or nested values. */
export function fromDictionary(body: XpcDictionary): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(body)) {
    const scalar = plainOf(value);
    if (scalar !== undefined) plain[key] = scalar;
  }
  return plain;
}

/** A scalar as the control API has it; `undefined` for another value. */
function plainOf(
  value: XpcValue | undefined,
): string | boolean | number | undefined {
  if (value instanceof XpcNumber) return value.toNumber();
  return typeof value === "string" || typeof value === "boolean"
    ? value
    : undefined;
}

/**
 * The messages of the handshake between a host and a client, and their checks.
 *
 * @module
 */

import type { ErrorCode } from "../errors.ts";
import { quote } from "../schema/schema_place.ts";
import { sameToken } from "../token.ts";
import { type Feature, featuresFields } from "../wire/features.ts";
import {
  CHANNEL_KEY,
  CTRL_TYPE,
  MSG_TYPE,
  PING,
  PONG,
  PROTOCOL_VERSION,
} from "../wire/keys.ts";
import {
  getData,
  getNumber,
  getString,
  uint64,
  type XpcDictionary,
} from "../wire/xpc_value.ts";

/** The fields that prove to a host that a peer is its client. */
export interface Credentials {
  readonly connection_id: string;
  /** The client's token; "" if the connection has none. */
  readonly token: string;
  /** SHA-256 of the connection's schema, in lower-case hexadecimal. */
  readonly schema_hash: string;
}

function control(type: string, fields: XpcDictionary = {}): XpcDictionary {
  return {
    [CHANNEL_KEY.msgType]: MSG_TYPE.control,
    [CHANNEL_KEY.ctrlType]: type,
    ...fields,
  };
}

/**
 * The client's first message.
 *
 * @param features what the client can beyond the first version
 */
export function helloMessage(
  credentials: Credentials,
  features: Iterable<Feature> = [],
): XpcDictionary {
  return control(CTRL_TYPE.hello, {
    [CHANNEL_KEY.connectionId]: credentials.connection_id,
    [CHANNEL_KEY.token]: credentials.token || undefined,
    [CHANNEL_KEY.protocolVersion]: uint64(PROTOCOL_VERSION),
    [CHANNEL_KEY.schemaHash]: credentials.schema_hash,
    ...featuresFields(features),
  });
}

/** Returns the control type of a message; `undefined` if it is not a control message. */
export function controlType(message: XpcDictionary): string | undefined {
  return getString(message, CHANNEL_KEY.msgType) === MSG_TYPE.control
    ? getString(message, CHANNEL_KEY.ctrlType)
    : undefined;
}

/** Why a host refuses a peer. */
export interface HelloProblem {
  readonly code: ErrorCode;
  readonly reason: string;
  /** Whether the peer has proven by its token that it is the host's client: if the client then ends, this is why. */
  readonly isOurClient: boolean;
}

/** Returns why this first message is not our client's hello; `undefined` if it is. */
export function helloProblem(
  message: XpcDictionary,
  expected: Credentials,
): HelloProblem | undefined {
  const stranger = (code: ErrorCode, reason: string): HelloProblem => ({
    code,
    reason,
    isOurClient: false,
  });
  const type = controlType(message);
  if (type !== CTRL_TYPE.hello) {
    return stranger(
      "malformed_message",
      `the first message must be a hello, not ${
        type === undefined ? "something else" : quote(type)
      }`,
    );
  }
  const id = getString(message, CHANNEL_KEY.connectionId);
  if (id === undefined) {
    return stranger(
      "malformed_message",
      `the hello has no string '${CHANNEL_KEY.connectionId}'`,
    );
  }
  if (id !== expected.connection_id) {
    return stranger("handshake_failed", "the hello is for another connection");
  }
  const token = getString(message, CHANNEL_KEY.token) ?? "";
  if (!sameToken(expected.token, token)) {
    return stranger("not_permitted", "the hello's token is wrong");
  }
  const isOurClient = expected.token !== "";
  const version = getNumber(message, CHANNEL_KEY.protocolVersion, "uint64");
  if (version !== BigInt(PROTOCOL_VERSION)) {
    return {
      code: "version_mismatch",
      reason: `the client speaks protocol version ${
        version ?? "(none)"
      }, this host ${PROTOCOL_VERSION}; update the older one`,
      isOurClient,
    };
  }
  const hash = getString(message, CHANNEL_KEY.schemaHash);
  if (hash !== expected.schema_hash) {
    return {
      code: "schema_mismatch",
      reason: "the client's schema is another than the host's: its hash is " +
        (hash === undefined ? "missing" : quote(hash)),
      isOurClient,
    };
  }
  return undefined;
}

/** The last message of a client that fails. The texts are fit to be sent. */
export function clientErrorMessage(
  text: string,
  code?: ErrorCode,
  stack?: string,
): XpcDictionary {
  return control(CTRL_TYPE.error, {
    [CHANNEL_KEY.error]: text,
    [CHANNEL_KEY.code]: code,
    [CHANNEL_KEY.stack]: stack,
  });
}

/** The host's last message. */
export function teardownMessage(): XpcDictionary {
  return control(CTRL_TYPE.teardown);
}

/** The last message of a host that fails: why. */
export function failureMessage(
  { code, message }: { readonly code: ErrorCode; readonly message: string },
): XpcDictionary {
  return control(CTRL_TYPE.error, {
    [CHANNEL_KEY.code]: code,
    [CHANNEL_KEY.reason]: message,
  });
}

/**
 * The host's test of the channel.
 *
 * @param features what both sides use beyond the first version
 * @param more what the host says of its ports and of the lane that it offers
 */
export function pingMessage(
  features: Iterable<Feature> = [],
  more: XpcDictionary = {},
): XpcDictionary {
  return control(CTRL_TYPE.ping, {
    [CHANNEL_KEY.payload]: Uint8Array.from(PING),
    ...featuresFields(features),
    ...more,
  });
}

/**
 * The client's answer to a ping.
 *
 * @param lane what it says of the lane that the host offers
 */
export function pongMessage(lane: XpcDictionary = {}): XpcDictionary {
  return control(CTRL_TYPE.pong, {
    [CHANNEL_KEY.payload]: Uint8Array.from(PONG),
    ...lane,
  });
}

/** Whether a ping or pong has the expected bytes. */
export function hasPayload(
  message: XpcDictionary,
  expected: Readonly<Uint8Array>,
): boolean {
  const payload = getData(message, CHANNEL_KEY.payload);
  return payload !== undefined && payload.length === expected.length &&
    payload.every((byte, index) => byte === expected[index]);
}

/**
 * Every word that crosses a process boundary as a string: dictionary keys,
 * message types, control types, reasons and hints. Spelled here and nowhere
 * else.
 *
 * @module
 */

/** The version of the protocol. Compared at first contact; a mismatch is an error that names both. */
export const PROTOCOL_VERSION = 1;

/** What the host sends to test the channel: "SLP". */
export const PING: Readonly<Uint8Array> = Uint8Array.of(0x53, 0x4c, 0x50);
/** What the client answers to {@link PING}: "SLA". */
export const PONG: Readonly<Uint8Array> = Uint8Array.of(0x53, 0x4c, 0x41);

/** The gRPC metadata key of a per-side token. */
export const TOKEN_METADATA = "x-streamlib-token";

/** Dictionary keys of the messages between a process and the broker. */
export const KEY = {
  type: "type",
  token: "token",
  success: "success",
  error: "error",
  /** The stable name of an error, where a call could not be answered at all. */
  code: "code",
  hint: "hint",
  found: "found",
  reason: "reason",
  connectionId: "connection_id",
  runtimeId: "runtime_id",
  processorId: "processor_id",
  processorType: "processor_type",
  timeoutSecs: "timeout_secs",
  schemaJson: "schema_json",
  wantTokens: "want_tokens",
  hostToken: "host_token",
  clientToken: "client_token",
  endpoint: "endpoint",
  hostState: "host_state",
  clientState: "client_state",
  derivedState: "derived_state",
  connectionState: "connection_state",
  clientPollCount: "client_poll_count",
  yourPollCount: "your_poll_count",
  waitMs: "wait_ms",
  waitTimeMs: "wait_time_ms",
  pollsUntilSuccess: "polls_until_success",
  connectionAgeMs: "connection_age_ms",
  timeoutRemainingSecs: "timeout_remaining_secs",
  failureReason: "failure_reason",
  hostXpcEndpointStored: "host_xpc_endpoint_stored",
  atUnixMs: "at_unix_ms",
  side: "side",
  path: "path",
  frames: "frames",
  bytes: "bytes",
  dropped: "dropped",
  p50Us: "p50_us",
  p99Us: "p99_us",
  name: "name",
  apiEndpoint: "api_endpoint",
  logPath: "log_path",
  pid: "pid",
  version: "version",
  protocolVersion: "protocol_version",
} as const;

/** Values of {@link KEY.type}: the messages to the broker, and the one that it pushes. */
export const MESSAGE_TYPE = {
  getVersion: "get_version",
  registerRuntime: "register_runtime",
  unregisterRuntime: "unregister_runtime",
  allocate: "allocate",
  hostAlive: "host_alive",
  clientAlive: "client_alive",
  getSchema: "get_schema",
  getInfo: "get_info",
  storeEndpoint: "store_endpoint",
  getEndpoint: "get_endpoint",
  acked: "acked",
  reportFailure: "report_failure",
  reportStats: "report_stats",
  close: "close",
  watch: "watch",
  /** Pushed by the broker to the peer that sent `watch`. */
  connectionEvent: "connection_event",
} as const;

/** Which gRPC call an XPC message type is, for those that exist on both carriers. */
export const CALL_OF_MESSAGE_TYPE = {
  [MESSAGE_TYPE.getVersion]: "GetVersion",
  [MESSAGE_TYPE.registerRuntime]: "RegisterRuntime",
  [MESSAGE_TYPE.unregisterRuntime]: "UnregisterRuntime",
  [MESSAGE_TYPE.allocate]: "AllocateConnection",
  [MESSAGE_TYPE.hostAlive]: "HostAlive",
  [MESSAGE_TYPE.clientAlive]: "ClientAlive",
  [MESSAGE_TYPE.getSchema]: "GetConnectionSchema",
  [MESSAGE_TYPE.getInfo]: "GetConnectionInfo",
  [MESSAGE_TYPE.acked]: "MarkAcked",
  [MESSAGE_TYPE.reportFailure]: "ReportFailure",
  [MESSAGE_TYPE.reportStats]: "ReportStats",
  [MESSAGE_TYPE.close]: "CloseConnection",
  [MESSAGE_TYPE.watch]: "WatchConnection",
} as const;

/** Dictionary keys of the channel between host and client. */
export const CHANNEL_KEY = {
  msgType: "msg_type",
  ctrlType: "ctrl_type",
  connectionId: "connection_id",
  token: "token",
  protocolVersion: "protocol_version",
  schemaHash: "schema_hash",
  /** What kind of processor has started: `reactive`, `manual` or `continuous`. */
  mode: "mode",
  /** The bytes of a ping or a pong. */
  payload: "payload",
  error: "error",
  /** The stable name of an error, where it has one. */
  code: "code",
  reason: "reason",
  stack: "stack",
  frameId: "frame_id",
  portName: "port_name",
  fields: "fields",
  /** A bare object beside {@link CHANNEL_KEY.fields}; understood on receipt, from older peers. */
  handle: "handle",
  /** The surface itself, or a buffer's shared memory, in an offer. */
  surface: "surface",
  /** How many numbers of a buffer's memory are the frame's. */
  length: "length",
  surfaceId: "surface_id",
  generation: "generation",
} as const;

/** Values of {@link CHANNEL_KEY.msgType}. */
export const MSG_TYPE = { control: "control", frame: "frame" } as const;

/** Values of {@link CHANNEL_KEY.ctrlType}. */
export const CTRL_TYPE = {
  hello: "hello",
  ping: "ping",
  pong: "pong",
  started: "started",
  surfaceOffer: "surface_offer",
  surfaceRetire: "surface_retire",
  release: "release",
  laneOffer: "lane_offer",
  start: "start",
  stop: "stop",
  pause: "pause",
  resume: "resume",
  error: "error",
  teardown: "teardown",
} as const;

/** Values of {@link KEY.reason} and {@link KEY.error} that a program may match on. */
export const REASON = {
  /** Nothing is stored yet: ask again. */
  hostEndpointNotReady: "host_endpoint_not_ready",
  /** The connection has failed; `failure_reason` says why. */
  connectionFailed: "connection_failed",
  /** Another process has received the endpoint. */
  alreadyDelivered: "already_delivered",
  /** The connection is ready, and the broker holds its endpoint no longer. */
  endpointReleased: "endpoint_released",
  /** The broker knows no such connection. */
  connectionNotFound: "connection_not_found",
} as const;

/** What stands for a state where the connection is unknown. */
export const NOT_FOUND = "not_found";

/** What the failure reason of a closed connection begins with. */
export const CLOSED_PREFIX = "closed: ";

/** Values of {@link KEY.hint}: what the asker can do. */
export const HINT = {
  hostPending:
    "Host hasn't contacted the broker yet. Is the host process running? Keep polling.",
  hostAlive:
    "Host is alive but hasn't stored its XPC endpoint yet. Keep polling.",
  connectionNotFound: "Check STREAMLIB_CONNECTION_ID",
  alreadyDelivered:
    "Another process has received this connection's endpoint. Allocate a connection for each client.",
  endpointReleased:
    "The connection is ready and its endpoint is released. Allocate a new connection.",
  connectionFailed: "Allocate a new connection.",
  storeTooLate:
    "The endpoint can be stored until the client has received one. Allocate a new connection.",
} as const;

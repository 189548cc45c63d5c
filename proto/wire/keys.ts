/**
 * The strings of the wire protocol: dictionary keys, message types, control
 * types, reasons and hints. They are spelled only here, except the fields of
 * the control calls: those are in `broker.proto`.
 *
 * @module
 */

/** The version of the protocol. Both sides compare it at first contact; a mismatch is an error that names both versions. */
export const PROTOCOL_VERSION = 1;

/** The bytes that the host sends to test the channel: "SLP". */
export const PING: Readonly<Uint8Array> = Uint8Array.of(0x53, 0x4c, 0x50);
/** The bytes that the client sends back for {@link PING}: "SLA". */
export const PONG: Readonly<Uint8Array> = Uint8Array.of(0x53, 0x4c, 0x41);

/** The gRPC metadata key of a token. */
export const TOKEN_METADATA = "x-streamlib-token";

/** The gRPC metadata key of an error's code. */
export const CODE_METADATA = "x-streamlib-code";

/** Dictionary keys of the messages between a process and the broker, as far as code names them. */
export const KEY = {
  type: "type",
  token: "token",
  success: "success",
  error: "error",
  /** The code of an error, if the broker could not handle the call at all. */
  code: "code",
  hint: "hint",
  found: "found",
  reason: "reason",
  connectionId: "connection_id",
  runtimeId: "runtime_id",
  processorId: "processor_id",
  wantTokens: "want_tokens",
  hostToken: "host_token",
  clientToken: "client_token",
  endpoint: "endpoint",
  clientState: "client_state",
  derivedState: "derived_state",
  waitMs: "wait_ms",
  timeoutRemainingSecs: "timeout_remaining_secs",
  failureReason: "failure_reason",
  side: "side",
  protocolVersion: "protocol_version",
} as const;

/** Values of {@link KEY.type}: the messages to the broker, and the one that the broker sends by itself. */
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
  getHealth: "get_health",
  listRuntimes: "list_runtimes",
  pruneDeadRuntimes: "prune_dead_runtimes",
  listProcessors: "list_processors",
  listConnections: "list_connections",
  readLogs: "read_logs",
  watch: "watch",
  /** Sent by the broker to a peer that sent `watch`. */
  connectionEvent: "connection_event",
} as const;

/** The gRPC call of each XPC message type that exists with both carriers. */
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
  [MESSAGE_TYPE.getHealth]: "GetHealth",
  [MESSAGE_TYPE.listRuntimes]: "ListRuntimes",
  [MESSAGE_TYPE.pruneDeadRuntimes]: "PruneDeadRuntimes",
  [MESSAGE_TYPE.listProcessors]: "ListProcessors",
  [MESSAGE_TYPE.listConnections]: "ListConnections",
  [MESSAGE_TYPE.readLogs]: "ReadLogs",
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
  /** In `hello`: what the client can. In `ping`: what both sides use of it. An array of strings. */
  features: "features",
  /** The kind of the processor that has started: `reactive`, `manual` or `continuous`. */
  mode: "mode",
  /** The bytes of a ping or a pong. */
  payload: "payload",
  error: "error",
  /** The code of an error, if it has one. */
  code: "code",
  reason: "reason",
  stack: "stack",
  frameId: "frame_id",
  portName: "port_name",
  fields: "fields",
  /** A separate object beside {@link CHANNEL_KEY.fields}. Accepted from older peers, never sent. */
  handle: "handle",
  /** The surface, or the shared memory of a buffer, in an offer. */
  surface: "surface",
  /** The number of elements of a buffer that belong to the frame. */
  length: "length",
  surfaceId: "surface_id",
  generation: "generation",
  /** In the name of a piece: true if the piece is the receiver's own, which comes back to it. */
  moved: "moved",
  /** In a release: true if the receiver has given its view of the piece away, so that the piece must not be used again. */
  givenAway: "given_away",
  /** In a release: the ids of several frames, each of 8 bytes, little-endian. */
  frames: "frames",
  /** In a release: the ids and generations of several pieces, each pair of 16 bytes, little-endian. */
  pieces: "pieces",
  /** In a release and in an end: the number of frames that this side has dropped, received or its own. */
  dropped: "dropped",
  /** In `started`: the input ports that the module uses, by name, and how. In `ping`: the host's, and what it says of them. */
  inputs: "inputs",
  /** In `started`: the output ports that the module uses, by name, and how. In `ping`: the host's, and what it says of them. */
  outputs: "outputs",
  readBehavior: "read_behavior",
  capacity: "capacity",
  /** The read behavior that the module's port names, if it names one. */
  given: "given",
  /** Of a port: the minor version of its schema. */
  minor: "minor",
  /** Of a port in `started`, with a lane: the hash of what its frames look like in the lane. */
  layout: "layout",
  /** Of a port: the pixel formats that it lists, the preferred one first. */
  formats: "formats",
  /** In `ping`: the memory of the lane that the host offers. */
  lane: "lane",
  /** In `ping` and `pong`: what rings the bell of the sender on their lane. A client that uses no lane sends none. */
  bell: "bell",
  /** In `ping`: the memory in which the client says what it does. */
  status: "status",
  /** In `ping`, with a lane: true if neither side is to wait awake. */
  sleeps: "sleeps",
  /** With a lane: the number of the message, from 1, of those that are ordered with its records. */
  number: "number",
  /** Of a frame, with a lane: its record, in place of `frame_id`, `port_name` and `fields`. */
  record: "record",
  /** Of a port of the host: the marks of its fields, by their path. */
  marks: "marks",
  /** In `declared`: the settings and calls of the module's processor, as JSON. */
  declarations: "declarations",
  /** In `set`, `call`, `cancel` and `answer`: the number of the host's request. */
  requestId: "request_id",
  /** In `set`: the values, by name. */
  values: "values",
  /** In `call`: the name of the call. */
  name: "name",
  /** In `call`: the fields of the request. */
  request: "request",
  /** In the `answer` to a call: the fields of the reply. */
  reply: "reply",
} as const;

/**
 * Returns what stands before each text that a client writes to stderr itself. Its
 * host finds the code of the last error there if the client has failed before it had
 * a channel.
 *
 * @param name the name that the host has given it, if it has
 */
export function clientLineStart(name: string | undefined): string {
  return `streamlib client: ${name === undefined ? "" : `${name}: `}`;
}

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
  /** No frame follows on a port. */
  end: "end",
  /** The client has read all frames of all its inputs, which have ended, and has sent all it will send. */
  flushed: "flushed",
  /** What the module's processor declares beside its ports. The host answers with the first `set`. */
  declared: "declared",
  /** The host sets settings. */
  set: "set",
  /** The host calls the processor. */
  call: "call",
  /** The host no longer waits for the answer to a call. */
  cancel: "cancel",
  /** The client answers a `set` or a `call`. */
  answer: "answer",
  /** The host has heard nothing for a while, and asks for a `checked`. */
  check: "check",
  /** The client's event loop runs. */
  checked: "checked",
  start: "start",
  stop: "stop",
  pause: "pause",
  resume: "resume",
  error: "error",
  teardown: "teardown",
} as const;

/** Values of {@link KEY.reason} and {@link KEY.error} that a program may compare. */
export const REASON = {
  /** No endpoint is stored yet. Ask again. */
  hostEndpointNotReady: "host_endpoint_not_ready",
  /** The connection has failed. `failure_reason` says why. */
  connectionFailed: "connection_failed",
  /** Another process has received the endpoint already. */
  alreadyDelivered: "already_delivered",
  /** The connection is ready, and the broker has released its endpoint. */
  endpointReleased: "endpoint_released",
  /** The broker knows no such connection. */
  connectionNotFound: "connection_not_found",
} as const;

/** The state of an unknown connection. */
export const NOT_FOUND = "not_found";

/** What the failure reason of a closed connection begins with. */
export const CLOSED_PREFIX = "closed: ";

/** Values of {@link KEY.hint}: what the caller can do. */
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

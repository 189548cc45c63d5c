/**
 * Every bound of the protocol, spelled once. Past a bound the sender is
 * refused with a reason, or dropped where it cannot be answered.
 *
 * @module
 */

/** Descriptors in one XPC message. */
export const MAX_DESCRIPTORS = 16;
/** How deep dictionaries and arrays nest in one XPC message. */
export const MAX_DEPTH = 32;
/** Bytes of one XPC dictionary, encoded. */
export const MAX_DICTIONARY_BYTES = 1024 * 1024;
/** Bytes of one gRPC message that the broker receives. */
export const MAX_GRPC_MESSAGE_BYTES = 64 * 1024;
/** Surfaces and buffers that one side may have offered and not retired, on one channel; each is a descriptor of the receiver. */
export const MAX_OFFERED = 256;
/** Fields of one schema. */
export const MAX_FIELDS = 256;

/** Bytes of a Unix socket's path: `sun_path` of macOS, without its terminator. */
export const MAX_SOCKET_PATH_BYTES = 103;
/** Characters of a service name, or of a name in a bootstrap registry. */
export const MAX_SERVICE_NAME_LENGTH = 127;
/** Bytes of an id or a name that a peer chose: connection, runtime, processor, path. */
export const MAX_NAME_BYTES = 256;
/** Bytes of a connection's schema as JSON; leaves room for the rest of one gRPC message. */
export const MAX_SCHEMA_BYTES = 48 * 1024;
/** Characters that are kept of a failure reason; the rest is cut off. */
export const MAX_REASON_LENGTH = 1024;

/** Random bytes of a connection id: 128 bits. */
export const CONNECTION_ID_BYTES = 16;
/** Random bytes of a per-side token: 256 bits. */
export const TOKEN_BYTES = 32;

/** How long a connection may take to become ready when its host does not say, in seconds. */
export const DEFAULT_TIMEOUT_SECS = 300;
/** The longest such time that a host may ask for, in seconds: one day. */
export const MAX_TIMEOUT_SECS = 24 * 60 * 60;
/** How long the host waits for the pong, in milliseconds. */
export const PONG_TIMEOUT_MS = 5_000;
/** How long a side rests before it asks a broker again that was gone, or had nothing yet, in milliseconds. */
export const POLL_INTERVAL_MS = 100;
/** How long a side that ends waits for the broker to take its last word, in milliseconds. */
export const LAST_WORD_TIMEOUT_MS = 500;
/** How often each side reports what went over its channel, in milliseconds. */
export const STATS_INTERVAL_MS = 1_000;
/** How long a failed or closed connection stays listed, in milliseconds. */
export const RETENTION_MS = 60_000;

/** Connections of one runtime that have not failed. */
export const MAX_CONNECTIONS_PER_RUNTIME = 4_096;
/** Connections that one XPC peer takes part in, and that have not failed. */
export const MAX_CONNECTIONS_PER_PEER = 4_096;
/** Connections of one broker that have not failed. */
export const MAX_CONNECTIONS = 65_536;
/** Failed and closed connections that stay listed; past it the oldest goes early. */
export const MAX_RETAINED_CONNECTIONS = 1_024;
/** Watchers and held requests of one connection. */
export const MAX_WATCHERS_PER_CONNECTION = 16;

/** Bytes of a path or an address that a runtime registers. */
export const MAX_PATH_BYTES = 4_096;
/** Runtimes that one broker knows at a time. */
export const MAX_RUNTIMES = 1_024;
/** Runtimes that one XPC peer has registered. */
export const MAX_RUNTIMES_PER_PEER = 64;
/**
 * After this long without a word a runtime that registered over gRPC, and has
 * no connection, is taken for dead, in milliseconds: one day.
 */
export const RUNTIME_STALE_MS = 24 * 60 * 60 * 1000;

/** Log records that a broker keeps to show. */
export const MAX_LOG_RECORDS = 1_024;
/** Characters of the log records that a broker keeps to show. */
export const MAX_LOG_LENGTH = 1024 * 1024;
/** Streams of log records at a time. */
export const MAX_LOG_TAILS = 16;
/** Log records in one message of such a stream. */
export const MAX_LOG_BATCH = 32;
/** Characters of log records that one such stream carries; then it ends. */
export const MAX_LOG_TAIL_LENGTH = 4 * 1024 * 1024;

/** Questions on one stream of gRPC's server reflection; one more ends it. */
export const MAX_REFLECTION_REQUESTS = 256;

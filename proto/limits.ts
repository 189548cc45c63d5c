/**
 * All limits of the protocol. A peer that exceeds one is refused with a reason, or its
 * message is dropped if no reply is possible.
 *
 * @module
 */

/** The most descriptors in one XPC message. */
export const MAX_DESCRIPTORS = 16;
/** The most levels of dictionaries and arrays in one XPC message. */
export const MAX_DEPTH = 32;
/** The most bytes of one XPC dictionary, encoded. */
export const MAX_DICTIONARY_BYTES = 1024 * 1024;
/** The most bytes of one gRPC message to the broker. */
export const MAX_GRPC_MESSAGE_BYTES = 64 * 1024;
/** The most surfaces and buffers that one side may have offered and not retired, per channel. Each takes a descriptor of the receiver. */
export const MAX_OFFERED = 256;
/** The most bytes of one surface or buffer: 1 GiB; the same as `SLB_MAX_MEMORY_BYTES` in the header. */
export const MAX_MEMORY_BYTES = 1024 * 1024 * 1024;
/** The most fields of one schema. */
export const MAX_FIELDS = 256;

/** The most bytes of a Unix socket's path: `sun_path` of macOS, without its terminator. */
export const MAX_SOCKET_PATH_BYTES = 103;
/** The most characters of a service name, or of a name in a bootstrap registry. */
export const MAX_SERVICE_NAME_LENGTH = 127;
/** The most bytes of an id or a name that a peer chooses: connection, runtime, processor, path. */
export const MAX_NAME_BYTES = 256;
/** The most bytes of a connection's schema as JSON. Leaves room for the rest of a gRPC message. */
export const MAX_SCHEMA_BYTES = 48 * 1024;
/** The most characters of a failure reason. Longer ones are cut. */
export const MAX_REASON_LENGTH = 1024;

/** The number of random bytes in a connection id: 128 bits. */
export const CONNECTION_ID_BYTES = 16;
/** The number of random bytes in a token: 256 bits. */
export const TOKEN_BYTES = 32;

/** Default time for a connection to become ready, in seconds. */
export const DEFAULT_TIMEOUT_SECS = 300;
/** The longest time that a host may request for that, in seconds: one day. */
export const MAX_TIMEOUT_SECS = 24 * 60 * 60;
/** How long the host waits for the pong, in milliseconds. */
export const PONG_TIMEOUT_MS = 5_000;
/** Pause before a side repeats a request to the broker, in milliseconds. */
export const POLL_INTERVAL_MS = 100;
/** How long a side that ends waits for the broker to take its last report, in milliseconds. */
export const LAST_WORD_TIMEOUT_MS = 500;
/** Time between two statistics reports of a side, in milliseconds. */
export const STATS_INTERVAL_MS = 1_000;
/** How long a failed or closed connection is listed, in milliseconds. */
export const RETENTION_MS = 60_000;

/** The most connections of one runtime that have not failed. */
export const MAX_CONNECTIONS_PER_RUNTIME = 4_096;
/** The most connections of one XPC peer that have not failed. */
export const MAX_CONNECTIONS_PER_PEER = 4_096;
/** The most connections of one broker that have not failed. */
export const MAX_CONNECTIONS = 65_536;
/** The most failed and closed connections that are listed. Beyond it the oldest is removed early. */
export const MAX_RETAINED_CONNECTIONS = 1_024;
/** The most watchers and held requests of one connection. */
export const MAX_WATCHERS_PER_CONNECTION = 16;

/** The most bytes of a path or an address that a runtime registers. */
export const MAX_PATH_BYTES = 4_096;
/** The most runtimes that one broker knows at one time. */
export const MAX_RUNTIMES = 1_024;
/** The most runtimes that one XPC peer registers. */
export const MAX_RUNTIMES_PER_PEER = 64;
/**
 * A runtime that registered over gRPC, has no connection and made no call for
 * this long is taken to be dead, in milliseconds: one day.
 */
export const RUNTIME_STALE_MS = 24 * 60 * 60 * 1000;

/** The most log records that a broker keeps in memory. */
export const MAX_LOG_RECORDS = 1_024;
/** The most characters of the log records that a broker keeps in memory. */
export const MAX_LOG_LENGTH = 1024 * 1024;
/** The most log streams at one time. */
export const MAX_LOG_TAILS = 16;
/** The most log records in one message of a log stream. */
export const MAX_LOG_BATCH = 32;
/** The most characters of log records in one log stream. Then it ends. */
export const MAX_LOG_TAIL_LENGTH = 4 * 1024 * 1024;

/** The most requests on one stream of gRPC's server reflection. One more ends the stream. */
export const MAX_REFLECTION_REQUESTS = 256;

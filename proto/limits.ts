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
/** The most bytes of one XPC message to the broker, packed: its longest call is much shorter, and no peer has to wait for a long one. */
export const MAX_CALL_BYTES = 128 * 1024;
/** The most bytes of one gRPC message to the broker. */
export const MAX_GRPC_MESSAGE_BYTES = 64 * 1024;
/** The most bytes of the values of settings that a host reports to the broker, as JSON. */
export const MAX_SETTINGS_JSON = 256;
/** The most surfaces and buffers that one side may have offered and not retired, per channel. Each takes a descriptor of the receiver. */
export const MAX_OFFERED = 256;
/** The most bytes of one surface or buffer: 1 GiB; the same as `SLB_MAX_MEMORY_BYTES` in the header. */
export const MAX_MEMORY_BYTES = 1024 * 1024 * 1024;
/** The most frames without shared memory that a port which skips to the latest has unconfirmed. The newest one after that waits. */
export const MAX_UNCONFIRMED_FRAMES = 4;
/**
 * A port sends no further frame while its unconfirmed ones have cost this much, in
 * bytes; see `proto/wire/packed.ts` for the cost of a message. One frame is always
 * allowed.
 */
export const MAX_UNCONFIRMED_BYTES = 4 * 1024 * 1024;
/** The most that the unread frames of a receiving port may cost, in bytes. More than a sender may have unconfirmed, since a foreign sender may count in another way. */
export const MAX_UNREAD_BYTES = 2 * MAX_UNCONFIRMED_BYTES;
/** What each value of a message costs beside its bytes: about what it takes once it is decoded, in bytes. */
export const VALUE_COST_BYTES = 16;
/** The most frames, and the most pieces of memory, that one `release` names. */
export const MAX_RELEASES_PER_MESSAGE = 1_024;
/** The most names of features that a `hello` or a `ping` is read for. */
export const MAX_FEATURES = 32;
/** The most pixel formats of a port that are read from a peer. */
export const MAX_FORMATS = 32;
/** The most fields of one schema. */
export const MAX_FIELDS = 256;

/** The most calls of a processor. */
export const MAX_CALLS = 64;
/** The most requests of a host, calls and changes of settings together, that its client has not answered. */
export const MAX_REQUESTS = 64;
/** Default time for a call to be answered, in milliseconds. */
export const CALL_ANSWER_MS = 10_000;

/** The most bytes of a Unix socket's path: `sun_path` of macOS, without its terminator. */
export const MAX_SOCKET_PATH_BYTES = 103;
/** The most characters of a service name, or of a name in a bootstrap registry. */
export const MAX_SERVICE_NAME_LENGTH = 127;
/** The most bytes of an id or a name that a peer chooses: connection, runtime, processor, path. */
export const MAX_NAME_BYTES = 256;
/** The most bytes of a connection's schema as JSON. Leaves room for the rest of a gRPC message. */
export const MAX_SCHEMA_BYTES = 48 * 1024;
/** The most characters of a failure reason at the broker. Longer ones are cut. */
export const MAX_REASON_LENGTH = 1024;
/** The most characters of an error's message, and of its stack, between host and client and in a `BridgeError`. Longer ones are cut. */
export const MAX_ERROR_LENGTH = 16 * 1024;

/** The number of random bytes in a connection id: 128 bits. */
export const CONNECTION_ID_BYTES = 16;
/** The number of random bytes in a token: 256 bits. */
export const TOKEN_BYTES = 32;

/** Default time for a connection to become ready, in seconds. */
export const DEFAULT_TIMEOUT_SECS = 300;
/** The longest time that a host may request for that, in seconds: one day. */
export const MAX_TIMEOUT_SECS = 24 * 60 * 60;
/** How long a caller waits for a broker that a service manager starts, in milliseconds: launchd may wait 10 s before it starts a program again, and Deno may start slowly. */
export const BROKER_START_MS = 30_000;
/** How long the host waits for the pong, in milliseconds. */
export const PONG_TIMEOUT_MS = 5_000;
/** How long a record of a lane waits for the message that was sent before it, in milliseconds. */
export const NUMBERED_TIMEOUT_MS = 5_000;
/** Pause before a side repeats a request to the broker, in milliseconds. */
export const POLL_INTERVAL_MS = 100;
/** How long a side that ends waits for the broker to take its last report, in milliseconds. */
export const LAST_WORD_TIMEOUT_MS = 500;
/** Time between two statistics reports of a side, in milliseconds. */
export const STATS_INTERVAL_MS = 1_000;
/** How long a failed or closed connection is listed, in milliseconds. */
export const RETENTION_MS = 60_000;

/** One process may have this part of each of the broker's quotas: a quarter. */
export const PROCESS_SHARE = 4;
/** The descriptors that a broker needs for itself. Peers share the rest. */
export const OWN_DESCRIPTORS = 44;
/** How long a connection that has said nothing useful is left alone, if only its own process is at its limit, in milliseconds. */
export const SILENCE_MS = 5_000;

/** The most connections of one broker that have not failed. */
export const MAX_CONNECTIONS = 16_384;
/** The most bytes of the texts that a broker holds for connections and runtimes: schemas, names, paths. */
export const MAX_REGISTRY_BYTES = 64 * 1024 * 1024;
/** The most bytes that one character of a text takes. */
export const BYTES_PER_CHARACTER = 2;
/** The most XPC connections to one broker. */
export const MAX_XPC_PEERS = 4_096;
/** The most gRPC connections to one broker. */
export const MAX_GRPC_SESSIONS = 256;
/** How many gRPC connections one process may open in a short time, closed ones included: the runtime keeps about 30 KB of each until the broker ends. */
export const MAX_SESSIONS_AT_ONCE = 1_000;
/** How many more it may open per second after that. */
export const SESSIONS_PER_SEC = 5;
/** The most failed and closed connections that are listed. Beyond it the oldest of the process that has the most is removed early. */
export const MAX_RETAINED_CONNECTIONS = 1_024;
/** The most watchers and held requests of one connection. */
export const MAX_WATCHERS_PER_CONNECTION = 16;
/** The most watchers and held requests of one broker. */
export const MAX_WATCHERS = 8_192;

/** The most bytes of a path or an address that a runtime registers. */
export const MAX_PATH_BYTES = 4_096;
/** The most runtimes that one broker knows at one time. */
export const MAX_RUNTIMES = 1_024;
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
/** The characters of log records after which an answer of `ReadLogs` ends. One XPC message carries it, whatever they are. */
export const LOG_ANSWER_LENGTH = 64 * 1024;
/** The most characters of log records in one log stream. Then it ends. */
export const MAX_LOG_TAIL_LENGTH = 4 * 1024 * 1024;

/** The most requests on one stream of gRPC's server reflection. One more ends the stream. */
export const MAX_REFLECTION_REQUESTS = 256;

/** The most HTTP/2 frames without a call, such as PING, that a gRPC connection may send at once. */
export const MAX_CONTROL_FRAMES = 10_000;
/** So many of them it may send per second in the long run, without a call. */
export const CONTROL_FRAMES_PER_SEC = 1_000;
/** So many more it may send with each call. */
export const CONTROL_FRAMES_PER_CALL = 4;
/** A call that its caller resets counts as so many of them. */
export const FRAMES_PER_RESET = 10;
/** The most bytes of gRPC answers that their callers have not read. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** How long an answer may be unread before its gRPC connection ends, in milliseconds. */
export const ANSWER_TIMEOUT_MS = 30_000;
/** How long a gRPC connection may read nothing, while something waits for it, in milliseconds. */
export const STALL_MS = 10_000;
/** The time for a gRPC request to be complete, in milliseconds. */
export const REQUEST_TIMEOUT_MS = 10_000;
/** The most events of a bootstrap that wait for one iteration over them. More are counted. */
export const MAX_WAITING_BOOTSTRAP_EVENTS = 1024;

/**
 * The calls about runtimes and their processors.
 *
 * @module
 */

import type {
  GetRuntimeEndpointResponse,
  ProcessorInfo,
  RuntimeInfo,
} from "../../proto/broker_gen.ts";
import {
  type ConnectionRecord,
  derivedState,
  hasFailed,
} from "../../proto/states/connection_record.ts";
import { BridgeError } from "../../proto/errors.ts";
import { MAX_PATH_BYTES } from "../../proto/limits.ts";
import type { CallContext } from "./context.ts";
import type { RequestFields } from "./fields.ts";
import type { Caller, UnaryAnswers } from "./call_types.ts";
import type {
  Registration,
  RuntimeRecord,
  RuntimeStatus,
} from "../registry/runtimes.ts";

const MAX_PID = 2 ** 31 - 1;

/** Makes the answers to the calls about runtimes. */
export function runtimeAnswers<E extends Disposable>(
  context: CallContext<E>,
) {
  const { registry, runtimes } = context;
  return {
    RegisterRuntime: (caller, fields) => {
      const full = runtimes.register(registrationIn(caller, fields));
      if (full !== undefined) context.refused(caller, full);
      return { success: full === undefined, error: full ?? "" };
    },
    UnregisterRuntime: (_caller, fields) => ({
      success: runtimes.unregister(fields.name("runtime_id")),
    }),
    ListRuntimes: () => {
      const ofRuntime = byRuntime(registry.list());
      return {
        runtimes: runtimes.list().map((runtime) => {
          const live = (ofRuntime.get(runtime.id) ?? [])
            .filter((each) => !hasFailed(each));
          return infoOf(
            runtime,
            live,
            runtimes.status(runtime, live.length > 0),
          );
        }),
      };
    },
    GetRuntimeEndpoint: (_caller, fields) => {
      const id = fields.optionalName("runtime_id");
      const name = fields.optionalName("name");
      if (id === "" && name === "") {
        throw new BridgeError(
          "bad_argument",
          "Cannot GetRuntimeEndpoint: neither name nor runtime_id is given; give one of them",
        );
      }
      return endpointOf(id === "" ? runtimes.named(name) : runtimes.get(id));
    },
    PruneDeadRuntimes: () => {
      const live = registry.list().filter((each) => !hasFailed(each));
      const pruned = runtimes.prune(
        new Set(live.map(({ runtimeId }) => runtimeId)),
      );
      return {
        pruned_count: pruned.length,
        pruned_names: pruned.map(({ name }) => name),
      };
    },
    ListProcessors: (_caller, fields) => {
      const runtime = fields.optionalName("runtime_id");
      const connections = registry.list().filter(({ runtimeId }) =>
        runtime === "" || runtimeId === runtime
      );
      return { processors: processorsOf(connections) };
    },
  } satisfies Partial<UnaryAnswers>;
}

/** Over XPC the process id comes from the kernel, not from the message. */
function registrationIn(caller: Caller, fields: RequestFields): Registration {
  const claimed = fields.number("pid", MAX_PID);
  return {
    id: fields.name("runtime_id"),
    name: fields.optionalName("name"),
    apiEndpoint: fields.optionalName("api_endpoint", MAX_PATH_BYTES),
    logPath: fields.optionalName("log_path", MAX_PATH_BYTES),
    pid: caller.peer?.pid ?? claimed,
    peer: caller.peer?.id,
    process: caller.process,
  };
}

function byRuntime(
  connections: readonly ConnectionRecord[],
): Map<string, ConnectionRecord[]> {
  return Map.groupBy(connections, ({ runtimeId }) => runtimeId);
}

function infoOf(
  runtime: RuntimeRecord,
  live: readonly ConnectionRecord[],
  status: RuntimeStatus,
): RuntimeInfo {
  return {
    runtime_id: runtime.id,
    registered_at_unix_ms: Math.floor(runtime.registeredAt),
    processor_count: new Set(live.map(({ processorId }) => processorId)).size,
    connection_count: live.length,
    name: runtime.name,
    api_endpoint: runtime.apiEndpoint,
    log_path: runtime.logPath,
    pid: runtime.pid,
    status,
  };
}

function endpointOf(
  runtime: RuntimeRecord | undefined,
): GetRuntimeEndpointResponse {
  return {
    found: runtime !== undefined,
    runtime_id: runtime?.id ?? "",
    name: runtime?.name ?? "",
    api_endpoint: runtime?.apiEndpoint ?? "",
    log_path: runtime?.logPath ?? "",
  };
}

/**
 * One row per processor. A processor whose client was restarted has several
 * connections: the row shows the newest one that is not over, or, if all are over,
 * the newest.
 */
function processorsOf(
  connections: readonly ConnectionRecord[],
): ProcessorInfo[] {
  const current = new Map<string, ConnectionRecord>();
  for (const connection of connections) {
    const key = JSON.stringify([connection.runtimeId, connection.processorId]);
    const known = current.get(key);
    if (known && !hasFailed(known) && hasFailed(connection)) continue;
    current.set(key, connection);
  }
  return Array.from(current.values(), (connection) => ({
    runtime_id: connection.runtimeId,
    processor_id: connection.processorId,
    processor_type: connection.processorType,
    registered_at_unix_ms: Math.floor(connection.times.created),
    bridge_state: derivedState(connection),
  }));
}

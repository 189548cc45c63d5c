import { assertEquals } from "@std/assert";
import descriptor from "protobufjs/ext/descriptor/index.js";
import {
  DESCRIPTOR,
  FILE_DESCRIPTOR,
  type MethodName,
  METHODS,
  PACKAGE,
} from "../../../proto/broker_gen.ts";
import { permittedTest } from "../../helpers/permitted.ts";

/**
 * The calls that existing clients use: the fields of request and response in the
 * order of their numbers; the type is `string` if none is written. These fields
 * must not change. Fields that were added later are not listed here.
 */
const FIXED: Record<string, [request: string, response: string]> = {
  GetHealth: ["", "healthy bool, status, uptime_secs int64"],
  GetVersion: ["", "version, git_commit, build_date, protocol_version uint32"],
  RegisterRuntime: [
    "runtime_id, name, api_endpoint, log_path, pid int32",
    "success bool, error",
  ],
  UnregisterRuntime: ["runtime_id", "success bool"],
  ListRuntimes: ["", "runtimes RuntimeInfo*"],
  GetRuntimeEndpoint: [
    "name, runtime_id",
    "found bool, runtime_id, name, api_endpoint, log_path",
  ],
  PruneDeadRuntimes: ["", "pruned_count int32, pruned_names string*"],
  ListProcessors: ["runtime_id", "processors ProcessorInfo*"],
  ListConnections: ["runtime_id", "connections ConnectionInfo*"],
  AllocateConnection: [
    "runtime_id, processor_id",
    "connection_id, success bool, error",
  ],
  HostAlive: ["connection_id", "success bool, client_state"],
  HostXpcReady: ["connection_id", "success bool, client_state"],
  ClientAlive: ["connection_id", "success bool, host_state"],
  GetClientStatus: ["connection_id", "client_state"],
  GetHostStatus: ["connection_id", "host_state"],
  MarkAcked: ["connection_id, side", "success bool, connection_state"],
  GetConnectionInfo: [
    "connection_id",
    "found bool, host_state, client_state, derived_state, host_xpc_endpoint_stored bool, client_connected bool, age_secs int64, timeout_secs int64",
  ],
  CloseConnection: ["connection_id, reason", "success bool"],
};

/** The same for the messages within messages. */
const FIXED_MESSAGES: Record<string, string> = {
  RuntimeInfo:
    "runtime_id, registered_at_unix_ms int64, processor_count int32, connection_count int32, name, api_endpoint, log_path, pid int32",
  ProcessorInfo:
    "runtime_id, processor_id, processor_type, registered_at_unix_ms int64, bridge_state",
  ConnectionInfo:
    "connection_id, runtime_id, processor_id, role, established_at_unix_ms int64, frames_transferred int64, bytes_transferred int64",
};

/** The calls that were added later. */
const ADDED_CALLS = [
  "GetConnectionSchema",
  "WatchConnection",
  "ReportFailure",
  "ReportStats",
  "TailLogs",
  "ReadLogs",
];

/** Returns the first fields of a message, as many as `fixed` has, in the same notation. */
function firstFields(message: string, fixed: string): string {
  const { fields } = DESCRIPTOR[message] ?? { fields: {} };
  const count = fixed === "" ? 0 : fixed.split(", ").length;
  const numbered = Object.entries(fields).sort(([, a], [, b]) => a.id - b.id);
  return numbered.slice(0, count).map(([name, { id, type, rule }], index) => {
    const number = id === index + 1 ? "" : ` = ${id}`;
    const shown = rule === "repeated" ? `${type}*` : type;
    return `${name}${shown === "string" ? "" : ` ${shown}`}${number}`;
  }).join(", ");
}

Deno.test("the fixed fields have their names, types and numbers", () => {
  for (const [call, [request, response]] of Object.entries(FIXED)) {
    const method = METHODS[call as MethodName];
    assertEquals(firstFields(method.request, request), request, call);
    assertEquals(firstFields(method.response, response), response, call);
  }
  for (const [message, fields] of Object.entries(FIXED_MESSAGES)) {
    assertEquals(firstFields(message, fields), fields);
  }
});

Deno.test("fields are numbered 1, 2, 3 without a gap", () => {
  for (const [message, { fields }] of Object.entries(DESCRIPTOR)) {
    const numbers = Object.values(fields).map(({ id }) => id);
    assertEquals(numbers, numbers.map((_, index) => index + 1), message);
  }
});

Deno.test("the package, the service and its calls are the fixed ones", () => {
  assertEquals(PACKAGE, "streamlib.broker");
  assertEquals(
    Object.keys(METHODS).sort(),
    [...Object.keys(FIXED), ...ADDED_CALLS].sort(),
  );
  for (const [call, method] of Object.entries(METHODS)) {
    assertEquals(method, {
      path: `/streamlib.broker.BrokerService/${call}`,
      request: `${call}Request`,
      response: `${call}Response`,
      responseStream: ["WatchConnection", "TailLogs"].includes(call),
    });
  }
});

Deno.test("name and runtime_id exclude each other", () => {
  assertEquals(DESCRIPTOR["GetRuntimeEndpointRequest"]?.oneofs, {
    query: { oneof: ["name", "runtime_id"] },
  });
});

permittedTest(
  "broker_gen.ts is what broker.proto gives",
  { read: true },
  async () => {
    const { generate } = await import("../../../tools/proto/generate.ts");
    const folder = new URL("../../../proto/", import.meta.url);
    assertEquals(
      await Deno.readTextFile(new URL("broker_gen.ts", folder)),
      generate(await Deno.readTextFile(new URL("broker.proto", folder))),
    );
  },
);

Deno.test("the file descriptor describes the same messages", () => {
  const { FileDescriptorProto } = descriptor as unknown as {
    FileDescriptorProto: {
      decode(bytes: Uint8Array): {
        package: string;
        messageType: {
          name: string;
          field: { name: string; number: number; typeName: string }[];
        }[];
        service: { name: string; method: { name: string }[] }[];
      };
    };
  };
  const file = FileDescriptorProto.decode(
    Uint8Array.fromBase64(FILE_DESCRIPTOR),
  );
  assertEquals(file.package, PACKAGE);
  assertEquals(
    Object.fromEntries(file.messageType.map(({ name, field }) => [
      name,
      Object.fromEntries(field.map((f) => [f.name, f.number])),
    ])),
    Object.fromEntries(
      Object.entries(DESCRIPTOR).map(([name, { fields }]) => [
        name,
        Object.fromEntries(Object.entries(fields).map(([n, f]) => [n, f.id])),
      ]),
    ),
  );
  const typeNames = file.messageType.flatMap(({ field }) =>
    field.map(({ typeName }) => typeName).filter((name) => name !== "")
  );
  assertEquals(typeNames.sort(), [
    ".streamlib.broker.ConnectionInfo",
    ".streamlib.broker.LogRecord", // of TailLogs
    ".streamlib.broker.LogRecord", // of ReadLogs
    ".streamlib.broker.ProcessorInfo",
    ".streamlib.broker.Quota",
    ".streamlib.broker.RuntimeInfo",
  ]);
  assertEquals(
    file.service.map(({ name, method }) => [name, method.map((m) => m.name)]),
    [["BrokerService", Object.keys(METHODS)]],
  );
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import protobuf from "protobufjs";
import descriptor from "protobufjs/ext/descriptor/index.js";
import { METHODS } from "../../proto/broker_gen.ts";
import { MAX_REFLECTION_REQUESTS } from "../../proto/limits.ts";
import {
  GRPC_NEEDS,
  serveControlPlane,
  type ServedControlPlane,
} from "../helpers/grpc_fixture.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

const SANITIZED = { sanitizeOps: true, sanitizeResources: true };

/** Written from gRPC's reflection.proto, not from the tested code. */
const REFLECTION_PROTO = `
syntax = "proto3";
message ServerReflectionRequest {
  string host = 1;
  oneof message_request {
    string file_by_filename = 3;
    string file_containing_symbol = 4;
    ExtensionRequest file_containing_extension = 5;
    string all_extension_numbers_of_type = 6;
    string list_services = 7;
  }
}
message ExtensionRequest { string containing_type = 1; int32 extension_number = 2; }
message ServerReflectionResponse {
  string valid_host = 1;
  ServerReflectionRequest original_request = 2;
  oneof message_response {
    FileDescriptorResponse file_descriptor_response = 4;
    ExtensionNumberResponse all_extension_numbers_response = 5;
    ListServiceResponse list_services_response = 6;
    ErrorResponse error_response = 7;
  }
}
message FileDescriptorResponse { repeated bytes file_descriptor_proto = 1; }
message ExtensionNumberResponse { string base_type_name = 1; repeated int32 extension_number = 2; }
message ListServiceResponse { repeated ServiceResponse service = 1; }
message ServiceResponse { string name = 1; }
message ErrorResponse { int32 error_code = 1; string error_message = 2; }
`;

interface Answer {
  valid_host?: string;
  original_request?: object;
  list_services_response?: { service: { name: string }[] };
  file_descriptor_response?: { file_descriptor_proto: Uint8Array[] };
  error_response?: { error_code: number; error_message: string };
}
interface DescriptorExtension {
  FileDescriptorProto: protobuf.Type;
}
interface RootOf {
  fromDescriptor(set: object): protobuf.Root;
}

/** A reflection client that is independent of the broker's code. */
class Prober implements AsyncDisposable {
  readonly answers: Answer[] = [];
  readonly ended = Promise.withResolvers<number>();
  readonly #client: { close(): void };
  readonly #call: {
    write(question: object): unknown;
    end(): void;
  };

  static async connect(
    served: ServedControlPlane,
    version = "v1",
  ): Promise<Prober> {
    const { Client, credentials } = await import("@grpc/grpc-js");
    return new Prober(
      new Client(served.carrier.address, credentials.createInsecure()),
      version,
    );
  }

  private constructor(
    client: import("@grpc/grpc-js").Client,
    version: string,
  ) {
    const { root } = protobuf.parse(REFLECTION_PROTO, new protobuf.Root(), {
      keepCase: true,
    });
    const request = root.lookupType("ServerReflectionRequest");
    const response = root.lookupType("ServerReflectionResponse");
    const call = client.makeBidiStreamRequest(
      `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
      (question: object) =>
        Buffer.from(request.encode(request.fromObject(question)).finish()),
      (bytes) => response.toObject(response.decode(bytes)) as Answer,
    );
    call.on("data", (answer: Answer) => this.answers.push(answer));
    call.on("error", () => {}); // the status event reports it
    call.on("status", ({ code }) => this.ended.resolve(code));
    this.#client = client;
    this.#call = call;
  }

  ask(question: object): void {
    this.#call.write(question);
  }

  /** Sends a request and returns its response. */
  async answer(question: object): Promise<Answer> {
    const before = this.answers.length;
    this.ask(question);
    await until("an answer", () => this.answers.length > before);
    return this.answers[before]!;
  }

  /** Ends the requests. Resolves with the status of the server. */
  end(): Promise<number> {
    this.#call.end();
    return soon(this.ended.promise, "the end of the stream");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.end();
    } finally {
      this.#client.close();
    }
  }
}

function fileOf(answer: Answer): Uint8Array {
  const files = answer.file_descriptor_response?.file_descriptor_proto;
  assertEquals(files?.length, 1, JSON.stringify(answer));
  return files![0]!;
}

/** Reads a file descriptor with protobufjs's own reader. */
function read(bytes: Uint8Array): protobuf.Root {
  const { FileDescriptorProto } = descriptor as unknown as DescriptorExtension;
  const file = FileDescriptorProto.decode(bytes);
  const root = (protobuf.Root as unknown as RootOf).fromDescriptor({
    file: [file],
  });
  root.resolveAll();
  return root;
}

for (const version of ["v1", "v1alpha"]) {
  permittedTest(
    `reflection ${version} lists every service, and describes each`,
    GRPC_NEEDS,
    async () => {
      await using served = await serveControlPlane();
      await using prober = await Prober.connect(served, version);
      const question = { host: "here", list_services: "*" };
      const answer = await prober.answer(question);
      assertEquals(answer.valid_host, "here");
      assertEquals<object>({ ...answer.original_request }, question);
      const names = answer.list_services_response?.service.map((s) => s.name);
      assertEquals(names, [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "streamlib.broker.BrokerService",
      ]);
      for (const name of names!) {
        const found = await prober.answer({ file_containing_symbol: name });
        assert(read(fileOf(found)).lookupService(name).methodsArray.length);
      }
    },
    SANITIZED,
  );
}

permittedTest(
  "reflection finds a file by its name and by whatever is in it",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane();
    await using prober = await Prober.connect(served);
    const byName = async (file_by_filename: string): Promise<Uint8Array> =>
      fileOf(await prober.answer({ file_by_filename }));
    const broker = await byName("streamlib/broker/broker.proto");
    for (
      const symbol of [
        "BrokerService",
        "BrokerService.TailLogs",
        "LogRecord",
        "LogRecord.message",
        "GetRuntimeEndpointRequest.query",
      ]
    ) {
      const found = await prober.answer({
        file_containing_symbol: `streamlib.broker.${symbol}`,
      });
      assertEquals(fileOf(found), broker, symbol);
    }
    const service = read(broker).lookupService(
      "streamlib.broker.BrokerService",
    );
    assertEquals(
      service.methodsArray.map(({ name }) => name).sort(),
      Object.keys(METHODS).sort(),
    );

    const health = await byName("grpc/health/v1/health.proto");
    for (
      const symbol of [
        "HealthCheckResponse.ServingStatus",
        "HealthCheckResponse.NOT_SERVING",
        "Health.Watch",
      ]
    ) {
      const found = await prober.answer({
        file_containing_symbol: `grpc.health.v1.${symbol}`,
      });
      assertEquals(fileOf(found), health, symbol);
    }
    const status = read(health).lookupTypeOrEnum(
      "grpc.health.v1.HealthCheckResponse.ServingStatus",
    ) as unknown as protobuf.Enum;
    assertEquals(status.values["SERVING"], 1);
    const { methods } = read(health).lookupService("grpc.health.v1.Health");
    assertEquals(methods["Check"]?.responseStream ?? false, false);
    assertEquals(methods["Watch"]?.responseStream, true);
  },
  SANITIZED,
);

permittedTest(
  "reflection describes itself as its own .proto does",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane();
    await using prober = await Prober.connect(served);
    const found = await prober.answer({
      file_by_filename: "grpc/reflection/v1/reflection.proto",
    });
    const described = read(fileOf(found));
    const { root } = protobuf.parse(REFLECTION_PROTO, new protobuf.Root(), {
      keepCase: true,
    });
    for (const { name, fieldsArray } of root.nestedArray as protobuf.Type[]) {
      const type = described.lookupType(`grpc.reflection.v1.${name}`);
      const fields = (all: protobuf.Field[]): string[] =>
        all.map(({ id, name, repeated, partOf, type }) =>
          `${id} ${name} ${repeated} ${partOf?.name} ${type.split(".").at(-1)}`
        );
      assertEquals(fields(type.fieldsArray), fields(fieldsArray), name);
    }
  },
  SANITIZED,
);

permittedTest(
  "reflection answers what it cannot find, and what there is none of",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane();
    await using prober = await Prober.connect(served);
    const code = async (question: object): Promise<number | undefined> =>
      (await prober.answer(question)).error_response?.error_code;
    const [NOT_FOUND, UNIMPLEMENTED] = [5, 12];
    assertEquals(await code({ file_by_filename: "passwd" }), NOT_FOUND);
    assertEquals(await code({ file_containing_symbol: "" }), NOT_FOUND);
    assertEquals(
      await code({ file_containing_symbol: "streamlib.broker.Nothing" }),
      NOT_FOUND,
    );
    assertEquals(
      await code({ all_extension_numbers_of_type: "streamlib.broker.X" }),
      UNIMPLEMENTED,
    );
    assertEquals(
      await code({ file_containing_extension: { containing_type: "x" } }),
      UNIMPLEMENTED,
    );
    assertEquals(await code({}), UNIMPLEMENTED);
    const last = prober.answers.at(-1)?.error_response?.error_message ?? "";
    assertStringIncludes(last, "no extensions");
    assertEquals(await prober.end(), 0);
  },
  SANITIZED,
);

permittedTest(
  "a stream of questions has an end, and the next one is served",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane();
    await using prober = await Prober.connect(served);
    for (let i = 0; i < MAX_REFLECTION_REQUESTS; i++) {
      prober.ask({ list_services: "" });
    }
    await until(
      "every answer",
      () => prober.answers.length === MAX_REFLECTION_REQUESTS,
    );
    prober.ask({ list_services: "" });
    const RESOURCE_EXHAUSTED = 8;
    assertEquals(
      await soon(prober.ended.promise, "the end"),
      RESOURCE_EXHAUSTED,
    );
    assertEquals(prober.answers.length, MAX_REFLECTION_REQUESTS);
    await using other = await Prober.connect(served);
    assert((await other.answer({ list_services: "" })).list_services_response);
  },
  SANITIZED,
);

permittedTest(
  "a broker that closes ends the questions",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane();
    await using prober = await Prober.connect(served);
    await prober.answer({ list_services: "" });
    await soon(served.carrier[Symbol.asyncDispose](), "the carrier's end");
    assertEquals(await soon(prober.ended.promise, "the end"), 0);
  },
  SANITIZED,
);

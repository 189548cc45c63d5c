/**
 * `grpc.reflection.v1.ServerReflection` and the older `v1alpha`, so that tools like
 * grpcurl work without a .proto file.
 *
 * @module
 */

import {
  type ServerDuplexStream,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { FILE_DESCRIPTOR } from "../../proto/broker_gen.ts";
import { MAX_REFLECTION_REQUESTS } from "../../proto/limits.ts";
import { type DescribedFile, readFile, writeFile } from "./grpc_descriptor.ts";
import { HEALTH } from "./grpc_health.ts";
import type { StandardMessage, StandardService } from "./grpc_standard.ts";

const MESSAGES: Readonly<Record<string, StandardMessage>> = {
  ServerReflectionRequest: {
    fields: {
      host: { type: "string", id: 1 },
      file_by_filename: { type: "string", id: 3 },
      file_containing_symbol: { type: "string", id: 4 },
      file_containing_extension: { type: "ExtensionRequest", id: 5 },
      all_extension_numbers_of_type: { type: "string", id: 6 },
      list_services: { type: "string", id: 7 },
    },
    oneofs: {
      message_request: {
        oneof: [
          "file_by_filename",
          "file_containing_symbol",
          "file_containing_extension",
          "all_extension_numbers_of_type",
          "list_services",
        ],
      },
    },
  },
  ExtensionRequest: {
    fields: {
      containing_type: { type: "string", id: 1 },
      extension_number: { type: "int32", id: 2 },
    },
  },
  ServerReflectionResponse: {
    fields: {
      valid_host: { type: "string", id: 1 },
      original_request: { type: "ServerReflectionRequest", id: 2 },
      file_descriptor_response: { type: "FileDescriptorResponse", id: 4 },
      all_extension_numbers_response: {
        type: "ExtensionNumberResponse",
        id: 5,
      },
      list_services_response: { type: "ListServiceResponse", id: 6 },
      error_response: { type: "ErrorResponse", id: 7 },
    },
    oneofs: {
      message_response: {
        oneof: [
          "file_descriptor_response",
          "all_extension_numbers_response",
          "list_services_response",
          "error_response",
        ],
      },
    },
  },
  FileDescriptorResponse: {
    fields: {
      file_descriptor_proto: { rule: "repeated", type: "bytes", id: 1 },
    },
  },
  ExtensionNumberResponse: {
    fields: {
      base_type_name: { type: "string", id: 1 },
      extension_number: { rule: "repeated", type: "int32", id: 2 },
    },
  },
  ListServiceResponse: {
    fields: { service: { rule: "repeated", type: "ServiceResponse", id: 1 } },
  },
  ServiceResponse: { fields: { name: { type: "string", id: 1 } } },
  ErrorResponse: {
    fields: {
      error_code: { type: "int32", id: 1 },
      error_message: { type: "string", id: 2 },
    },
  },
};

/** Both versions, which differ only in their names. */
export const REFLECTION: readonly StandardService[] = ["v1", "v1alpha"].map(
  (version) => ({
    file: `grpc/reflection/${version}/reflection.proto`,
    packageName: `grpc.reflection.${version}`,
    name: "ServerReflection",
    methods: {
      ServerReflectionInfo: {
        request: "ServerReflectionRequest",
        response: "ServerReflectionResponse",
        requestStream: true,
        responseStream: true,
      },
    },
    messages: MESSAGES,
  }),
);

/** A request; one of the optional fields is set. */
interface Question {
  host: string;
  file_by_filename?: string;
  file_containing_symbol?: string;
  list_services?: string;
}
type Call = ServerDuplexStream<Question, object>;

/** Answers reflection requests for the services of this server. */
export class Reflection {
  readonly #files: readonly DescribedFile[] = [
    Uint8Array.fromBase64(FILE_DESCRIPTOR),
    ...[HEALTH, ...REFLECTION].map(writeFile),
  ].map(readFile);
  readonly #calls = new Set<Call>();

  /** The implementation of each of {@link REFLECTION} for a grpc-js server. */
  readonly implementation: UntypedServiceImplementation = {
    ServerReflectionInfo: (call: Call): void => {
      let questions = 0;
      this.#calls.add(call);
      call.on("cancelled", () => this.#calls.delete(call));
      call.on("end", () => call.end());
      call.on("data", (question: Question) => {
        // Limited, because nothing shows whether the peer reads the responses.
        if (++questions <= MAX_REFLECTION_REQUESTS) {
          call.write(this.#answer(question));
        } else if (questions === MAX_REFLECTION_REQUESTS + 1) {
          call.emit("error", {
            code: status.RESOURCE_EXHAUSTED,
            details:
              `A stream has ${MAX_REFLECTION_REQUESTS} questions at most; open another`,
          });
        }
      });
    },
  };

  /** Ends all streams. */
  close(): void {
    for (const call of this.#calls) call.end();
  }

  #answer(question: Question): object {
    return {
      valid_host: question.host,
      original_request: question,
      ...this.#find(question),
    };
  }

  #find(question: Question): object {
    if (question.list_services !== undefined) {
      const names = this.#files.flatMap(({ services }) => services).sort();
      return { list_services_response: { service: names.map(named) } };
    }
    const { file_by_filename: name, file_containing_symbol: symbol } = question;
    if (name === undefined && symbol === undefined) {
      return refusal(
        status.UNIMPLEMENTED,
        "Only services, files and symbols can be asked for: there are no extensions",
      );
    }
    const file = this.#files.find((file) =>
      name === undefined ? file.symbols.includes(symbol!) : file.name === name
    );
    return file === undefined
      ? refusal(status.NOT_FOUND, `Not known here: ${name ?? symbol}`)
      : { file_descriptor_response: { file_descriptor_proto: [file.bytes] } };
  }
}

function named(name: string): object {
  return { name };
}

function refusal(code: status, message: string): object {
  return { error_response: { error_code: code, error_message: message } };
}

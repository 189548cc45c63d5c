/**
 * The file descriptors for gRPC reflection. That of `broker.proto` is generated;
 * those of the small standard services are made here from the tables that also
 * encode their messages.
 *
 * @module
 */

import type { MessageDescriptor } from "../../proto/broker_gen.ts";
import { createCodecs } from "./grpc_codec.ts";
import type { StandardMessage, StandardService } from "./grpc_standard.ts";

/** A .proto file for reflection. */
export interface DescribedFile {
  readonly name: string;
  /** The serialized FileDescriptorProto. */
  readonly bytes: Uint8Array;
  /** The full names of its services. */
  readonly services: readonly string[];
  /** The full names of all symbols in it. */
  readonly symbols: readonly string[];
}

const string = (id: number) => ({ type: "string", id });
const int32 = (id: number) => ({ type: "int32", id });
const bool = (id: number) => ({ type: "bool", id });
const all = (type: string, id: number) => ({
  rule: "repeated" as const,
  type,
  id,
});

/** The part of descriptor.proto that is needed here. */
const DESCRIPTOR_PROTO: Readonly<Record<string, MessageDescriptor>> = {
  FileDescriptorProto: {
    fields: {
      name: string(1),
      package: string(2),
      message_type: all("DescriptorProto", 4),
      service: all("ServiceDescriptorProto", 6),
      syntax: string(12),
    },
  },
  DescriptorProto: {
    fields: {
      name: string(1),
      field: all("FieldDescriptorProto", 2),
      enum_type: all("EnumDescriptorProto", 4),
      oneof_decl: all("OneofDescriptorProto", 8),
    },
  },
  FieldDescriptorProto: {
    fields: {
      name: string(1),
      number: int32(3),
      label: int32(4),
      type: int32(5),
      type_name: string(6),
      oneof_index: int32(9),
    },
  },
  OneofDescriptorProto: { fields: { name: string(1) } },
  EnumDescriptorProto: {
    fields: { name: string(1), value: all("EnumValueDescriptorProto", 2) },
  },
  EnumValueDescriptorProto: { fields: { name: string(1), number: int32(2) } },
  ServiceDescriptorProto: {
    fields: { name: string(1), method: all("MethodDescriptorProto", 2) },
  },
  MethodDescriptorProto: {
    fields: {
      name: string(1),
      input_type: string(2),
      output_type: string(3),
      client_streaming: bool(5),
      server_streaming: bool(6),
    },
  },
};

const CODEC = createCodecs("google.protobuf", DESCRIPTOR_PROTO)(
  "FileDescriptorProto",
);

/** The numbers of descriptor.proto's enums Type and Label. */
const TYPE = { string: 9, bytes: 12, int32: 5, message: 11, enum: 14 };
const LABEL = { optional: 1, repeated: 3 };

/** A named element of a descriptor, with its children. */
interface Named {
  name: string;
  field?: Named[];
  oneof_decl?: Named[];
  enum_type?: (Named & { value: Named[] })[];
  method?: Named[];
}
interface File {
  name: string;
  package: string;
  message_type: Named[];
  service: Named[];
}

/** Reads a serialized FileDescriptorProto. */
export function readFile(bytes: Uint8Array): DescribedFile {
  const file = CODEC.decode(bytes) as File;
  const within = (scope: string, things: readonly Named[] = []): string[] =>
    things.flatMap((thing) => {
      const name = `${scope}.${thing.name}`;
      return [
        name,
        ...within(name, thing.field),
        ...within(name, thing.oneof_decl),
        ...within(name, thing.enum_type),
        // The values of an enum are its siblings, not its children.
        ...within(name, thing.enum_type?.flatMap(({ value }) => value)),
        ...within(name, thing.method),
      ];
    });
  return {
    name: file.name,
    bytes,
    services: file.service.map(({ name }) => `${file.package}.${name}`),
    symbols: [
      ...within(file.package, file.message_type),
      ...within(file.package, file.service),
    ],
  };
}

/** The serialized FileDescriptorProto of a standard service. */
export function writeFile(service: StandardService): Uint8Array {
  const scope = `.${service.packageName}`;
  return CODEC.encode({
    name: service.file,
    package: service.packageName,
    syntax: "proto3",
    message_type: Object.entries(service.messages).map(([name, message]) =>
      messageProto(scope, name, message)
    ),
    service: [{
      name: service.name,
      method: Object.entries(service.methods).map(([name, method]) => ({
        name,
        input_type: `${scope}.${method.request}`,
        output_type: `${scope}.${method.response}`,
        client_streaming: method.requestStream,
        server_streaming: method.responseStream,
      })),
    }],
  });
}

function messageProto(
  scope: string,
  name: string,
  message: StandardMessage,
): object {
  const enums = message.nested ?? {};
  const oneofs = Object.entries(message.oneofs ?? {});
  return {
    name,
    field: Object.entries(message.fields).map(([field, { rule, type, id }]) => {
      const isEnum = Object.hasOwn(enums, type);
      const scalar = (TYPE as Record<string, number>)[type];
      const oneof = oneofs.findIndex(([, one]) => one.oneof.includes(field));
      return {
        name: field,
        number: id,
        label: LABEL[rule ?? "optional"],
        type: scalar ?? (isEnum ? TYPE.enum : TYPE.message),
        ...(scalar === undefined &&
          { type_name: `${scope}.${isEnum ? `${name}.` : ""}${type}` }),
        ...(oneof >= 0 && { oneof_index: oneof }),
      };
    }),
    enum_type: Object.entries(enums).map(([each, { values }]) => ({
      name: each,
      value: Object.entries(values).map(([name, number]) => ({ name, number })),
    })),
    oneof_decl: oneofs.map(([each]) => ({ name: each })),
  };
}

/**
 * The types with which a host's options are checked against the processor that its
 * module exports.
 *
 * @module
 */

import type { Receivers, Senders } from "../channel/ports/channel_ports.ts";
import type { NoPorts } from "../proto/schema/connection_schema.ts";
import type { Schema } from "../proto/schema/field_type.ts";
import type {
  Port,
  PortMap,
  SchemaOf,
  WithFormats,
} from "../proto/schema/port.ts";
import type {
  ProcessorMode,
  ProcessorTypes,
  TypedProcessor,
} from "../proto/schema/processor_types.ts";
import type { PixelFormat } from "../proto/schema/surface.ts";
import type { SomeSettings } from "./asking.ts";
import type { HostOptions } from "./options.ts";

/** The type of a processor's module: `typeof import("./blur.ts")`. */
export interface ProcessorModule {
  /** The processor. */
  readonly default: TypedProcessor;
}

/** What the type of a module's processor tells of it. */
export type TypesOfModule<M extends ProcessorModule> = M extends {
  readonly default: TypedProcessor<infer T>;
} ? T
  : ProcessorTypes;

/** Whether nothing is known of some ports at compile time. */
export type AreUnknown<P extends PortMap> = string extends keyof P ? true
  : false;

/** The ports of one direction. A processor that declares no port at all takes any. */
export type PortsOfModule<
  M extends ProcessorModule,
  D extends "inputs" | "outputs",
> =
  [keyof TypesOfModule<M>["inputs"] | keyof TypesOfModule<M>["outputs"]] extends
    [never] ? PortMap
    : TypesOfModule<M>[D];

/** The ports that a host must have. Of a port whose type does not tell, the types demand nothing. */
export type RequiredNames<P extends PortMap> = {
  [K in keyof P]: P[K] extends { readonly required: infer R }
    ? [false] extends [R] ? never : K
    : K;
}[keyof P];

/** The ports that a host may leave out. */
export type OptionalNames<P extends PortMap> = AreUnknown<P> extends true
  ? never
  : Exclude<keyof P, RequiredNames<P>>;

/** The ports of `P` that a host must have, or `P` if nothing is known of them. */
export type RequiredPorts<P extends PortMap> = AreUnknown<P> extends true ? P
  : Pick<P, RequiredNames<P>>;

/** The frames of a port in any format: the sides agree on one when they connect. */
export type AnyFormat<P extends Schema | Port> = WithFormats<
  SchemaOf<P>,
  PixelFormat
>;

/** What a host may declare for the port `P` of a module. */
export type PortForModule<P extends Schema | Port> =
  | AnyFormat<P>
  | Port<AnyFormat<P>>;

/** What a host may declare for the ports `P` of a module, by name. */
export type PortsForModule<P extends PortMap> = AreUnknown<P> extends true
  ? PortMap
  : [keyof P] extends [never]
    ? { readonly [name: string]: "the module's processor has no such port" }
  :
    & { readonly [K in RequiredNames<P>]: PortForModule<P[K]> }
    & { readonly [K in OptionalNames<P>]?: PortForModule<P[K]> };

/** The option `D` of a host: it can be absent if the module needs none of its ports. */
export type PortsOption<D extends "inputs" | "outputs", P extends PortMap> =
  keyof RequiredPorts<P> extends never
    ? { readonly [K in D]?: PortsForModule<P> }
    : AreUnknown<P> extends true ? { readonly [K in D]?: PortsForModule<P> }
    : { readonly [K in D]: PortsForModule<P> };

/** The option `module`. If the module is for another kind of host, its type says so. */
export type ModuleUrl<M extends ProcessorModule, H extends ProcessorMode> =
  H extends TypesOfModule<M>["mode"] ? URL | string
    : `the module's processor is ${TypesOfModule<
      M
    >["mode"]}, this host is ${H}`;

/**
 * The options of a host of the mode `H`, checked against the type `M` of its module:
 * its default export must be a processor of that mode, and the ports those that the
 * processor declares, with the same schemas. A port that either side declares with
 * `required: false` may be absent there. The other options of a port, its formats
 * among them, may differ: the sides agree on them when they connect.
 *
 * A module that declares no ports takes any.
 */
export type ModuleOptions<M extends ProcessorModule, H extends ProcessorMode> =
  & Omit<
    HostOptions<NoPorts, NoPorts>,
    "module" | "inputs" | "outputs" | "settings"
  >
  & {
    /** The values of the processor's settings from the start. */
    readonly settings?: SomeSettings<SettingsOfModule<M>>;
    /** URL of the processor's module, whose type is the type argument. */
    readonly module: ModuleUrl<M, H>;
  }
  & PortsOption<"inputs", PortsOfModule<M, "inputs">>
  & PortsOption<"outputs", PortsOfModule<M, "outputs">>;

/**
 * The arguments of `launch` with the type of a module. Without one they are such
 * that no call has them: then the errors are those of the other form alone.
 */
export type LaunchArguments<
  M extends ProcessorModule,
  H extends ProcessorMode,
> = [M] extends [never] ? [module: never, missing: never]
  : [options: ModuleOptions<M, H>];

/** The settings of the module's processor. */
export type SettingsOfModule<M extends ProcessorModule> = TypesOfModule<
  M
>["settings"];

/** The calls of the module's processor. */
export type CallsOfModule<M extends ProcessorModule> = TypesOfModule<
  M
>["calls"];

/** The input ports that a host of this module surely has. */
export type InputsOfModule<M extends ProcessorModule> = RequiredPorts<
  PortsOfModule<M, "inputs">
>;

/** The output ports that a host of this module surely has. */
export type OutputsOfModule<M extends ProcessorModule> = RequiredPorts<
  PortsOfModule<M, "outputs">
>;

/** The ports of a host that it has if its options name them: those that its module declares with `required: false`. */
export type OptionalPortsOfModule<M extends ProcessorModule> = [
  | OptionalNames<PortsOfModule<M, "inputs">>
  | OptionalNames<PortsOfModule<M, "outputs">>,
] extends [never] ? unknown
  : {
    /** The optional inputs. */
    readonly input: Partial<
      Senders<
        Pick<
          PortsOfModule<M, "inputs">,
          OptionalNames<PortsOfModule<M, "inputs">>
        >
      >
    >;
    /** The optional outputs. */
    readonly output: Partial<
      Receivers<
        Pick<
          PortsOfModule<M, "outputs">,
          OptionalNames<PortsOfModule<M, "outputs">>
        >
      >
    >;
  };

/**
 * The manual host: its client runs from start to stop.
 *
 * @module
 */

import type { CallMap } from "../proto/schema/call_types.ts";
import type { NoPorts } from "../proto/schema/connection_schema.ts";
import type { PortMap } from "../proto/schema/port.ts";
import type { SettingMap } from "../proto/schema/settings.ts";
import type {
  CallsOfModule,
  InputsOfModule,
  LaunchArguments,
  OptionalPortsOfModule,
  OutputsOfModule,
  ProcessorModule,
  SettingsOfModule,
} from "./module_types.ts";
import type { HostOptions } from "./options.ts";
import { ProcessorHost } from "./processor_host.ts";

/**
 * A host whose client runs from {@link start} to {@link stop}. Use it for a
 * source, for instance; it needs no inputs.
 */
export class ManualHost<
  I extends PortMap = NoPorts,
  O extends PortMap = NoPorts,
  S extends SettingMap = SettingMap,
  C extends CallMap = CallMap,
> extends ProcessorHost<I, O, S, C> {
  /**
   * Launches a host and its client. Returns at once; the connection is made in
   * the background, and `ready` resolves when frames can flow.
   *
   * Needs `--allow-ffi`, and `--allow-run` for the Deno that runs the client.
   *
   * @throws {BridgeError} `bad_argument` or `schema_mismatch` if an option is
   * not valid; `library_not_found`, `not_permitted` or `version_mismatch` if the
   * shim cannot be loaded
   */
  static launch<
    const I extends PortMap = NoPorts,
    const O extends PortMap = NoPorts,
  >(options: HostOptions<I, O>): ManualHost<I, O>;
  /**
   * As the other form, and the options are checked against the module's types at
   * compile time: see {@link ModuleOptions}.
   *
   * ```ts ignore
   * await using blur = ManualHost.launch<typeof import("./blur.ts")>({
   *   module: new URL("./blur.ts", import.meta.url),
   *   inputs: { video: VideoFrame },
   *   outputs: { video: VideoFrame },
   * });
   * ```
   *
   * @throws {BridgeError} as the other form
   */
  static launch<M extends ProcessorModule = never>(
    ...options: LaunchArguments<M, "manual">
  ):
    & ManualHost<
      InputsOfModule<M>,
      OutputsOfModule<M>,
      SettingsOfModule<M>,
      CallsOfModule<M>
    >
    & OptionalPortsOfModule<M>;
  static launch(
    options: HostOptions<PortMap, PortMap>,
  ): ManualHost<PortMap, PortMap> {
    return new ManualHost(options, "manual");
  }

  /**
   * Starts the processor. Before the host is ready, the start is remembered: the
   * client gets it exactly once, when the host is ready, unless {@link stop} was
   * called in between. After a restart the new client gets it too.
   */
  start(): void {
    this.setRunning(true);
  }

  /** Stops the processor after {@link start}. */
  stop(): void {
    this.setRunning(false);
  }
}

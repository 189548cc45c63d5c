/**
 * The continuous host: host and client both run in a loop.
 *
 * @module
 */

import type { CallMap } from "../proto/schema/call_types.ts";
import type { NoPorts } from "../proto/schema/connection_schema.ts";
import type { PortMap } from "../proto/schema/port.ts";
import type { SettingMap } from "../proto/schema/settings.ts";
import { DEFAULT_REST_MS } from "../channel/activity.ts";
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
 * A host whose client runs in a loop, whether frames come or not. The host can
 * run a loop of its own: see {@link run}.
 */
export class ContinuousHost<
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
  >(options: HostOptions<I, O>): ContinuousHost<I, O>;
  /**
   * As the other form, and the options are checked against the module's types at
   * compile time: see {@link ModuleOptions}.
   *
   * ```ts ignore
   * await using blur = ContinuousHost.launch<typeof import("./blur.ts")>({
   *   module: new URL("./blur.ts", import.meta.url),
   *   inputs: { video: VideoFrame },
   *   outputs: { video: VideoFrame },
   * });
   * ```
   *
   * @throws {BridgeError} as the other form
   */
  static launch<M extends ProcessorModule = never>(
    ...options: LaunchArguments<M, "continuous">
  ):
    & ContinuousHost<
      InputsOfModule<M>,
      OutputsOfModule<M>,
      SettingsOfModule<M>,
      CallsOfModule<M>
    >
    & OptionalPortsOfModule<M>;
  static launch(
    options: HostOptions<PortMap, PortMap>,
  ): ContinuousHost<PortMap, PortMap> {
    return new ContinuousHost(options, "continuous");
  }

  /**
   * Calls `turn` repeatedly, from when the host is ready until it has ended or
   * `signal` aborts. Send and receive frames in `turn`. After a call in which no
   * frame was sent or received, the loop waits until a frame comes, or for
   * `restMs` milliseconds (default: 16). Waiting uses no CPU time.
   *
   * Resolves when the host was closed, also before it was ready, when `signal`
   * has aborted, or when every port has ended and everything was read: after a
   * {@link ProcessorHost.drain}, for instance. Until then `turn` is called, so
   * that it can read.
   *
   * @throws {BridgeError} the host's failure; and whatever `turn` throws, except
   * `closed` after a close or from an input that has ended
   */
  run(
    turn: (host: this) => void | Promise<void>,
    options: { restMs?: number; signal?: AbortSignal } = {},
  ): Promise<void> {
    const { restMs = DEFAULT_REST_MS, signal } = options;
    return this.repeat(() => turn(this), restMs, signal);
  }
}

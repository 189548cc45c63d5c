/**
 * The argument of a processor's functions.
 *
 * @module
 */

import type { Receivers, Senders } from "../channel/ports/channel_ports.ts";
import type { PortMap } from "../proto/schema/port.ts";
import type {
  NoSettings,
  SettingMap,
  SettingValues,
} from "../proto/schema/settings.ts";

/** The argument of a processor's functions. */
export interface Context<
  I extends PortMap,
  O extends PortMap,
  S extends SettingMap = NoSettings,
> {
  /** Receives frames from the host, by port. */
  readonly input: Receivers<I>;
  /** Sends frames to the host, by port. */
  readonly output: Senders<O>;
  /** The settings as they are now. It is one object: its values change between the processor's functions. */
  readonly settings: SettingValues<S>;
  /** Aborts when the processor must end. Pass it to everything that the processor waits for. */
  readonly signal: AbortSignal;
}

/** The same for ports and settings that are not known at compile time. */
export type AnyContext = Context<PortMap, PortMap, SettingMap>;

/**
 * What the type of a processor tells of it, for the host that runs it.
 *
 * @module
 */

import type { CallMap, NoCalls } from "./call_types.ts";
import type { PortMap } from "./port.ts";
import type { NoSettings, SettingMap } from "./settings.ts";

/** When a processor's functions are called. */
export type ProcessorMode = "reactive" | "manual" | "continuous";

/** What the type of a processor tells of it. */
export interface ProcessorTypes {
  /** When its functions are called. */
  readonly mode: ProcessorMode;
  /** Its input ports, as it declares them. */
  readonly inputs: PortMap;
  /** Its output ports, as it declares them. */
  readonly outputs: PortMap;
  /** Its settings. */
  readonly settings: SettingMap;
  /** Its calls. */
  readonly calls: CallMap;
}

/** What the type of a processor of this mode and with these ports tells of it. */
export interface TypesOfProcessor<
  M extends ProcessorMode,
  I extends PortMap,
  O extends PortMap,
  S extends SettingMap = NoSettings,
  C extends CallMap = NoCalls,
> extends ProcessorTypes {
  /** When its functions are called. */
  readonly mode: M;
  /** Its input ports, as it declares them. */
  readonly inputs: I;
  /** Its output ports, as it declares them. */
  readonly outputs: O;
  /** Its settings. */
  readonly settings: S;
  /** Its calls. */
  readonly calls: C;
}

/** A processor, as far as its host's types look at it. */
export interface TypedProcessor<T extends ProcessorTypes = ProcessorTypes> {
  /** When its functions are called. */
  readonly mode: ProcessorMode;
  /** Never set. For the type checker. */
  readonly types?: T;
}

/**
 * What the type of a processor tells of it, for the host that runs it.
 *
 * @module
 */

import type { PortMap } from "./port.ts";

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
}

/** What the type of a processor of this mode and with these ports tells of it. */
export interface TypesOfProcessor<
  M extends ProcessorMode,
  I extends PortMap,
  O extends PortMap,
> extends ProcessorTypes {
  /** When its functions are called. */
  readonly mode: M;
  /** Its input ports, as it declares them. */
  readonly inputs: I;
  /** Its output ports, as it declares them. */
  readonly outputs: O;
}

/** A processor, as far as its host's types look at it. */
export interface TypedProcessor<T extends ProcessorTypes = ProcessorTypes> {
  /** When its functions are called. */
  readonly mode: ProcessorMode;
  /** Never set. For the type checker. */
  readonly types?: T;
}

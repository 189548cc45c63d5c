/**
 * Finds the shared memory that a frame's message names.
 *
 * @module
 */

import type {
  ElementArrays,
  ElementKind,
} from "../../proto/schema/field_type.ts";
import { CHANNEL_KEY } from "../../proto/wire/keys.ts";
import type { CapabilityReader } from "../../proto/wire/type_codec.ts";
import type { Surface } from "../../proto/schema/surface.ts";
import {
  Capability,
  getId,
  getNumber,
  isDictionary,
  type XpcDictionary,
  type XpcValue,
} from "../../proto/wire/xpc_value.ts";
import type { Message } from "../../ffi/message.ts";
import type { Lease } from "../memory/lease.ts";
import type { MemoryTable } from "../memory/memory_table.ts";
import type { OfferedMemory } from "../memory/offered_memory.ts";
import type { Use } from "../memory/piece.ts";
import { ReceivedMemory } from "../memory/received_memory.ts";
import type { PieceName } from "../transport.ts";

function nameOf(value: XpcDictionary): PieceName | undefined {
  const id = getId(value, CHANNEL_KEY.surfaceId);
  const generation = getId(value, CHANNEL_KEY.generation);
  return id === undefined || generation === undefined
    ? undefined
    : { id, generation, moved: value[CHANNEL_KEY.moved] === true };
}

/** Calls `found` with every name of a piece of memory in a value, at any depth. */
export function findNames(
  value: XpcValue | undefined,
  found: (name: PieceName) => void,
): void {
  if (Array.isArray(value)) {
    for (const element of value) findNames(element, found);
  } else if (isDictionary(value)) {
    const name = nameOf(value);
    if (name) found(name);
    else for (const key in value) findNames(value[key], found);
  }
}

/** Fills the lease of one frame while it is decoded. */
export class FrameLeases implements CapabilityReader {
  readonly #table: MemoryTable;
  readonly #message: Message;
  readonly #memory: ReceivedMemory;

  /** @param message the frame's message, which owns the capabilities in it */
  constructor(
    table: MemoryTable,
    offered: OfferedMemory,
    message: Message,
    lease: Lease,
  ) {
    this.#table = table;
    this.#message = message;
    this.#memory = new ReceivedMemory(table, offered);
    this.#memory.begin(lease);
  }

  /** Whether the frame has memory of its sender. If so, its releases confirm it. */
  get hasPeersMemory(): boolean {
    return this.#memory.hasPeersMemory;
  }

  texture(value: XpcValue): Surface | string {
    return this.#memory.surface(this.#find(value));
  }

  buffer<K extends ElementKind>(
    value: XpcValue,
    kind: K,
  ): ElementArrays[K] | string {
    const length = isDictionary(value)
      ? getNumber(value, CHANNEL_KEY.length, "uint64")
      : undefined;
    return this.#memory.numbers(this.#find(value), kind, length);
  }

  #find(value: XpcValue): Use | string {
    if (value instanceof Capability) {
      if (value.kind !== "surface") return `a bare ${value.kind}`;
      this.#message.takeCapability(value);
      this.#memory.hasPeersMemory = true;
      return this.#table.useOnce(value);
    }
    if (!isDictionary(value)) return "neither a surface nor the name of one";
    const name = nameOf(value);
    return name
      ? this.#memory.find(name)
      : "a name without surface_id and generation";
  }
}

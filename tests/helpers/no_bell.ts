/** What is sent in place of a bell. */

import { closeSync, openSync } from "node:fs";
import { OwnedCapability } from "../../ffi/capability.ts";
import type { Native } from "../../ffi/native.ts";
import { Capability } from "../../proto/wire/xpc_value.ts";

/** A descriptor that is not a bell. Needs the permission to read. */
export function noBell(native: Native): OwnedCapability {
  const descriptor = openSync("/dev/null", "r");
  const handle = native.symbols.slb_fd_create(native.queue, descriptor);
  closeSync(descriptor);
  return new OwnedCapability(
    native,
    new Capability("fd", native.created(handle)),
  );
}

/** Why the connection ends of which a side has sent {@link noBell}. */
export const NO_BELL =
  "The other side has misused the lane: it has sent a descriptor that is not a bell: " +
  "Cannot use this descriptor as the other side's bell: it is no socket";

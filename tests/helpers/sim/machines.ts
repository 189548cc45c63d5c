/**
 * A machine to hold a conversation on: this one, or a simulated one. The same
 * tests run on both, so that the simulation cannot drift away from the shim.
 */

import { Native } from "../../../ffi/native.ts";
import { localShim } from "../../../ffi/shim.ts";
import { settled, World } from "./world.ts";

/** Processes that can talk, and end. */
export interface Machine extends AsyncDisposable {
  /** The library, in a process of its own; on this machine in a queue of its own. */
  process(name: string): Native;
  /** Ends a process. */
  end(native: Native): Promise<void>;
}

/** This machine. A process that ends gives back its queue, which closes what it has, as the kernel would. */
export function realMachine(): Machine {
  const open = new Set<Native>();
  const end = (native: Native): Promise<void> => {
    if (open.delete(native)) native[Symbol.dispose]();
    return Promise.resolve();
  };
  return {
    process: () => {
      const native = new Native(localShim());
      open.add(native);
      return native;
    },
    end,
    [Symbol.asyncDispose]: async () => {
      for (const native of open) await end(native);
    },
  };
}

/** A simulated machine that runs by itself, for as long as it is not disposed. */
export function simulatedMachine(): Machine {
  const world = new World();
  let over = false;
  const running = (async () => {
    while (!over) {
      await world.run(() => !over);
      await settled();
    }
  })();
  return {
    process: (name) => world.process(name).native,
    end: async (native) => {
      const process = world.processes.find((one) => one.native === native)!;
      await world.kill(process);
    },
    [Symbol.asyncDispose]: async () => {
      over = true;
      await running;
    },
  };
}

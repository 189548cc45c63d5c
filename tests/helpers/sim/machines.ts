/**
 * A machine for tests of conversations: the real one, or a simulated one. The same
 * tests run on both, so that the simulation does not differ from the shim.
 */

import { Native } from "../../../ffi/native.ts";
import { localShim } from "../../../ffi/shim.ts";
import { settled, World } from "./world.ts";

/** A machine with processes that communicate and end. */
export interface Machine extends AsyncDisposable {
  /** Returns the library in a new process; on the real machine, in a new queue. */
  process(name: string): Native;
  /** Ends a process. */
  end(native: Native): Promise<void>;
}

/** The real machine. Ending a process releases its queue, which closes its handles, as the kernel would. */
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

/** A simulated machine that takes its steps by itself until it is disposed. */
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

/**
 * Checks that a test leaves nothing: native objects, XPC objects, descriptors,
 * mappings of surfaces, subprocesses, files in the run directory. Linux only:
 * it reads /proc.
 *
 * The counts are those of the whole process. So files that use this cannot run
 * with `deno test --parallel`, whose isolates share a process.
 */

import { Listener } from "../../ffi/listener.ts";
import { Native } from "../../ffi/native.ts";
import { lapse, PATIENCE_MS, until } from "./soon.ts";

/** The existing resources, by kind. */
export interface Inventory {
  readonly native_objects: number;
  readonly xpc_objects: number;
  readonly mapped_surfaces: number;
  readonly descriptors: readonly string[];
  readonly mappings: number;
  readonly subprocesses: readonly string[];
  readonly run_files: readonly string[];
}

function listDirectory(path: string): string[] {
  try {
    return [...Deno.readDirSync(path)].map((entry) => entry.name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function descriptors(): string[] {
  const links: string[] = [];
  for (const name of listDirectory("/proc/self/fd")) {
    try {
      const link = Deno.readLinkSync(`/proc/self/fd/${name}`);
      if (!link.startsWith("/proc/")) links.push(link.replace(/\d+/g, "N"));
    } catch {
      // the descriptor of the listing itself, which is closed now
    }
  }
  return links.sort();
}

function subprocesses(): string[] {
  const found: string[] = [];
  for (const pid of listDirectory("/proc").filter((n) => /^\d+$/.test(n))) {
    try {
      const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(parent) === Deno.pid) found.push(`${pid} (${state})`);
    } catch {
      // it ended during the listing
    }
  }
  return found;
}

/** Lists the existing resources. `runDirectory` is the directory with the sockets of named services. */
function takeInventory(runDirectory: string): Inventory {
  using native = Native.open();
  const stats = native.stats();
  const maps = Deno.readTextFileSync("/proc/self/maps");
  return {
    native_objects: stats.live - 1, // without the queue that this function has opened
    xpc_objects: stats.xpc_objects,
    mapped_surfaces: stats.surfaces_mapped,
    descriptors: descriptors(),
    mappings: maps.split("\n").filter((line) => line.includes("memfd:")).length,
    subprocesses: subprocesses(),
    run_files: listDirectory(runDirectory),
  };
}

/** Describes the resources of `after` that `before` does not have. Empty if nothing is left. */
export function leftovers(before: Inventory, after: Inventory): string[] {
  const more: string[] = [];
  for (
    const kind of [
      "native_objects",
      "xpc_objects",
      "mapped_surfaces",
      "mappings",
    ] as const
  ) {
    if (after[kind] > before[kind]) {
      more.push(`${kind}: ${before[kind]} before, ${after[kind]} after`);
    }
  }
  for (const kind of ["descriptors", "subprocesses", "run_files"] as const) {
    const known = [...before[kind]];
    for (const item of after[kind]) {
      const index = known.indexOf(item);
      if (index >= 0) known.splice(index, 1);
      else more.push(`${kind}: ${item}`);
    }
  }
  return more;
}

/** The live XPC objects of this process. They are released on threads of XPC, a moment after their handles. */
export function xpcObjects(): number {
  using native = Native.open();
  return native.stats().xpc_objects;
}

/** Loads the shim once, which starts threads that stay, with their descriptors. */
async function warmUp(): Promise<void> {
  const before = xpcObjects();
  {
    using native = Native.open();
    using listener = Listener.anonymous(native);
    listener.activate({
      peer: (peer) => peer[Symbol.dispose](),
      ended: () => {},
    });
  }
  // What it made must not be counted as there before the test.
  await until(
    "the warm-up's objects are released",
    () => xpcObjects() <= before,
  );
}

/**
 * Runs `body`, and fails if it leaves a resource that did not exist before.
 *
 * @param settleMs how long resources may take to be released
 */
export async function leavesNothing(
  runDirectory: string,
  body: () => Promise<void>,
  settleMs: number = PATIENCE_MS,
): Promise<void> {
  await warmUp();
  const before = takeInventory(runDirectory);
  await body();
  const deadline = performance.now() + settleMs;
  while (true) {
    const left = leftovers(before, takeInventory(runDirectory));
    if (left.length === 0) return;
    if (performance.now() > deadline) {
      throw new Error(`Something is left:\n  ${left.join("\n  ")}`);
    }
    await lapse(20);
  }
}

/**
 * How frames travel between a host and its client, as far as a measure chooses it.
 * This is the only file of the bench that knows lanes.
 */

import {
  type HostOptions,
  type PortMap,
  ReactiveHost,
} from "../../../host/mod.ts";
import { NotHere } from "../harness/subject.ts";

/** What carries the frames. */
type Path = "lane" | "dictionary";

/** A way for frames to travel. */
export interface Way {
  /** As part of a subject's name. */
  readonly name: string;
  readonly path: Path;
  /** Whether a reader may wait awake before it sleeps. */
  readonly spins: boolean;
}

/** The default. */
export const LANE: Way = { name: "lane", path: "lane", spins: true };
/** A lane whose readers sleep at once. */
export const BELL_ONLY: Way = {
  name: "lane, bell only",
  path: "lane",
  spins: false,
};
/** What peers without lanes use. */
export const DICTIONARY: Way = {
  name: "dictionary",
  path: "dictionary",
  spins: false,
};

/** Launches a host whose frames travel in this way, and waits until it is ready. */
export async function launch<I extends PortMap, O extends PortMap>(
  way: Way,
  options: HostOptions<I, O>,
): Promise<ReactiveHost<I, O> | NotHere> {
  const host = ReactiveHost.launch<I, O>({
    ...options,
    path: way.path,
    waiting: way.spins ? "awake" : "asleep",
  });
  try {
    await host.ready;
    if (host.stats.path === way.path) return host;
  } catch (error) {
    await host.close();
    throw error;
  }
  await host.close();
  return new NotHere("this version has no lanes");
}

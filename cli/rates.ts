/**
 * Rates, computed from totals that are read repeatedly.
 *
 * @module
 */

import type { ConnectionInfo } from "../proto/broker_gen.ts";

/** Each side reports once a second. Over several reports the jitter averages out. */
const WINDOW_MS = 5_000;

/** The traffic of a connection per second, both directions together. */
export interface Rate {
  readonly frames: number;
  readonly bytes: number;
}

interface Sample extends Rate {
  readonly at: number;
}

/**
 * The rates of connections over the last few seconds.
 *
 * ```ts ignore
 * const rates = new Rates();
 * rates.update(connections, 0); // all 0: there is no earlier sample
 * rates.update(connectionsASecondLater, 1000).get(id)?.frames; // 60
 * ```
 */
export class Rates {
  readonly #samples = new Map<string, Sample[]>();

  /**
   * Adds the current totals, and returns the rates.
   *
   * @param connections all connections; one that is missing is forgotten
   * @param now the time in milliseconds
   * @returns the rates, by connection id
   */
  update(
    connections: readonly ConnectionInfo[],
    now: number,
  ): ReadonlyMap<string, Rate> {
    const ids = new Set(connections.map(({ connection_id }) => connection_id));
    for (const id of this.#samples.keys()) {
      if (!ids.has(id)) this.#samples.delete(id);
    }
    return new Map(connections.map((connection) => {
      const { connection_id: id } = connection;
      const sample: Sample = {
        at: now,
        frames: connection.frames_transferred,
        bytes: connection.bytes_transferred,
      };
      const samples = [
        ...this.#comparable(id, sample),
        sample,
      ];
      this.#samples.set(id, samples);
      return [id, rateBetween(samples[0]!, sample)];
    }));
  }

  /** The earlier samples within the window, or the last one before it. None if the totals went back: they are of another channel. */
  #comparable(id: string, { at, frames, bytes }: Sample): Sample[] {
    const earlier = this.#samples.get(id) ?? [];
    const last = earlier.at(-1);
    if (last === undefined || last.frames > frames || last.bytes > bytes) {
      return [];
    }
    const recent = earlier.filter((sample) => at - sample.at <= WINDOW_MS);
    return recent.length > 0 ? recent : [last];
  }
}

function rateBetween(first: Sample, last: Sample): Rate {
  const seconds = (last.at - first.at) / 1000;
  const perSecond = (count: "frames" | "bytes"): number =>
    seconds > 0 ? (last[count] - first[count]) / seconds : 0;
  return { frames: perSecond("frames"), bytes: perSecond("bytes") };
}

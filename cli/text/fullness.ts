/**
 * How full the broker's quotas are, and what it has refused and ended, as text.
 *
 * @module
 */

import type { GetHealthResponse, Quota } from "../../proto/broker_gen.ts";
import { escapeControls } from "../../proto/escape.ts";

/** From this part of a limit on, a quota is reported as nearly full. */
const NEARLY = 0.8;

/** What the broker has refused, dropped and ended since its start; "" if nothing. */
export function incidentsText(health: GetHealthResponse): string {
  const counts: [number, string][] = [
    [health.refused_count, "refused because a quota was full"],
    [health.silent_count, "silent connections dropped"],
    [health.over_budget_count, "connections ended over budget"],
    [health.malformed_count, "malformed messages dropped"],
  ];
  return counts.filter(([count]) => count > 0).map(([count, what]) =>
    `${count} ${what}`
  ).join(", ");
}

/** The quotas of which all together, or one process, have nearly all: one line for each. */
export function nearlyFull({ quotas }: GetHealthResponse): string[] {
  return quotas.flatMap((quota) => {
    const text = nearlyFullText(quota);
    return text === undefined ? [] : [escapeControls(text)];
  });
}

function nearlyFullText(quota: Quota): string | undefined {
  const { name, used, limit, process_limit, fullest_pid, fullest_used } = quota;
  if (limit > 0 && used >= NEARLY * limit) {
    return `${used} of ${limit} ${name} are in use; process ${fullest_pid} has the most, ${fullest_used}`;
  }
  // A limit of one is reached by everybody who uses it.
  if (process_limit > 1 && fullest_used >= NEARLY * process_limit) {
    return `process ${fullest_pid} has ${fullest_used} of the ${process_limit} ${name} of one process`;
  }
  return undefined;
}

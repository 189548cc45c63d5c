/** How many heavy processes a test has at once, so that the machine is busy and not swamped. */
export const TWICE_THE_CORES: number = 2 * navigator.hardwareConcurrency;

/**
 * Does `work` for each item, for at most `limit` at a time. Once one has
 * failed no more are begun; the failure is thrown when those under way are over.
 */
export async function atMost<T>(
  limit: number,
  items: Iterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  const left = Iterator.from(items);
  const worker = async (): Promise<void> => {
    for (const item of left) {
      await work(item).catch((error) => failures.push(error));
      if (failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) {
    throw new AggregateError(
      failures,
      failures.map((error) => (error as Error).message).join("\n"),
    );
  }
}

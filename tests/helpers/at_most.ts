/** The number of heavy processes that a test runs at once. More of them would overload the machine. */
export const TWICE_THE_CORES: number = 2 * navigator.hardwareConcurrency;

/**
 * Runs `work` for each item, for at most `limit` items at a time. After a
 * failure it starts no other item; it throws the failure when the running ones have ended.
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

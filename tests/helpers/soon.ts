/** Fails with `what` when `promise` takes longer than it ever should: a test must not hang. */
export async function soon<T>(
  promise: Promise<T>,
  what: string,
  ms = 15_000,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`${what}: not within ${ms} ms`)),
    ms,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What all tools share: where the checkout is, and how they write to the console. */

/** The root of the checkout. */
export const ROOT: URL = new URL("../", import.meta.url);

/** Writes a line to the standard error. */
export function announce(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

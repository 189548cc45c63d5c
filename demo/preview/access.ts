/**
 * Who may see the preview: whoever was told its address. Other users of the
 * machine do not know the token, and a page from elsewhere, even one whose
 * name was made to lead here, does not come with our Host and Origin.
 *
 * @module
 */

import { timingSafeEqual } from "node:crypto";

const TOKEN_BYTES = 16;

/** A path that nobody can guess: 128 random bits, hex. */
export function newToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Where the preview is. */
export interface PageAddress {
  /** The only Host that is answered: address and port. */
  readonly host: string;
  /** The first part of every path. */
  readonly token: string;
}

/**
 * The path within the preview that a request is for, such as "/page.js".
 *
 * ```ts
 * import { admit } from "./access.ts";
 *
 * const place = { host: "127.0.0.1:4567", token: "5e5f" };
 * const request = new Request("http://127.0.0.1:4567/5e5f/states", {
 *   headers: { host: "127.0.0.1:4567" },
 * });
 * console.assert(admit(request, place) === "/states");
 * ```
 *
 * @returns `undefined` for a request that must learn nothing
 */
export function admit(
  request: Request,
  place: PageAddress,
): string | undefined {
  const { host, token } = place;
  // A name that resolves to 127.0.0.1 gives itself away here.
  if (request.headers.get("host") !== host) return undefined;
  const origin = request.headers.get("origin");
  if (origin !== null && origin !== `http://${host}`) return undefined;
  const { pathname } = new URL(request.url);
  const end = pathname.indexOf("/", 1);
  if (end < 0 || !isSame(pathname.slice(1, end), token)) return undefined;
  return pathname.slice(end);
}

/** Compares in a time that tells nothing about where they differ. */
function isSame(given: string, expected: string): boolean {
  const encoder = new TextEncoder();
  const [a, b] = [encoder.encode(given), encoder.encode(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

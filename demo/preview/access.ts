/**
 * Limits access to the preview to those who know its address. Other users of the
 * machine do not know the token. Requests of another web page have another Host
 * or Origin, even if its name resolves to this machine.
 *
 * @module
 */

import { timingSafeEqual } from "node:crypto";

const TOKEN_BYTES = 16;

/** Returns a token: 128 random bits as hex digits. */
export function newToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The address of the preview. */
export interface PageAddress {
  /** The only accepted Host header: address and port. */
  readonly host: string;
  /** The first part of every path. */
  readonly token: string;
}

/**
 * Returns the path within the preview that a request asks for, such as
 * "/page.js".
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
 * @returns `undefined` if the request is not allowed
 */
export function admit(
  request: Request,
  place: PageAddress,
): string | undefined {
  const { host, token } = place;
  // Refuses a foreign name that resolves to 127.0.0.1.
  if (request.headers.get("host") !== host) return undefined;
  const origin = request.headers.get("origin");
  if (origin !== null && origin !== `http://${host}`) return undefined;
  const { pathname } = new URL(request.url);
  const end = pathname.indexOf("/", 1);
  if (end < 0 || !isSame(pathname.slice(1, end), token)) return undefined;
  return pathname.slice(end);
}

/** Compares two strings in a time that does not depend on where they differ. */
function isSame(given: string, expected: string): boolean {
  const encoder = new TextEncoder();
  const [a, b] = [encoder.encode(given), encoder.encode(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * Answers the requests to the preview's server.
 *
 * @module
 */

import { admit, type PageAddress } from "./access.ts";
import type { EventStream } from "./event_stream.ts";
import { PAGE_HTML } from "./page_html.ts";
import { PAGE_SCRIPT } from "./page_script.ts";
import { PAGE_STYLE } from "./page_style.ts";
import type { PictureTap } from "./picture_tap.ts";

/** How long a request for a picture is held; the page then sends the next. */
const HOLD_MS = 10_000;

const HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  // The address is the secret.
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

const DOCUMENTS: Readonly<
  Record<string, readonly [type: string, text: string]>
> = {
  "/": ["text/html", PAGE_HTML],
  "/page.css": ["text/css", PAGE_STYLE],
  "/page.js": ["text/javascript", PAGE_SCRIPT],
};

/** What the handler serves. */
export interface Shown extends PageAddress {
  /** The states, as JSON. */
  readonly states: EventStream;
  /** The pictures. */
  readonly pictures: PictureTap;
  /** How long a request for a picture is held, in milliseconds. Default: 10 s. */
  readonly holdMs?: number;
}

/**
 * Answers a request, `GET` and `HEAD` alone:
 *
 * | path | answer |
 * |---|---|
 * | `/TOKEN/` | the page; also `page.css`, `page.js` |
 * | `/TOKEN/states` | server-sent events, each a `PreviewStatus` as JSON |
 * | `/TOKEN/picture?after=N` | the first pair of pictures after N: RGBA in, then RGBA out; 204 if none came in time |
 * | anything else below `/TOKEN/` | 404 |
 * | anything else, or with another Host or Origin | 403 |
 */
export async function answer(
  request: Request,
  shown: Shown,
): Promise<Response> {
  const path = admit(request, shown);
  if (path === undefined) return plain(403, "Not yours to see.");
  const document = Object.hasOwn(DOCUMENTS, path) ? DOCUMENTS[path] : undefined;
  if (!document && path !== "/states" && path !== "/picture") {
    return plain(404, "There is nothing here.");
  }
  const allowed = document ? ["GET", "HEAD"] : ["GET"];
  if (!allowed.includes(request.method)) {
    return plain(405, "This can only be looked at.", {
      allow: allowed.join(", "),
    });
  }
  if (document) {
    const [type, text] = document;
    return respond(200, request.method === "HEAD" ? null : text, {
      "content-type": `${type}; charset=utf-8`,
    });
  }
  return path === "/states"
    ? states(shown.states)
    : await picture(request, shown);
}

function states(stream: EventStream): Response {
  const body = stream.listen();
  if (!body) return busy();
  return respond(200, body, { "content-type": "text/event-stream" });
}

async function picture(request: Request, shown: Shown): Promise<Response> {
  const text = new URL(request.url).searchParams.get("after") ?? "0";
  const after = /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  if (after === undefined) return plain(400, "after is a whole number.");
  // A request whose browser has left is answered too, when the next frame comes.
  const held = AbortSignal.timeout(shown.holdMs ?? HOLD_MS);
  const pair = await shown.pictures.next(after, held);
  if (pair === "busy") return busy();
  if (pair === undefined) return respond(204, null);
  return respond(200, pair.bytes, {
    "content-type": "application/octet-stream",
    "x-sequence": String(pair.sequence),
    "x-frame": String(pair.frame),
    "x-width": String(pair.width),
    "x-height": String(pair.height),
  });
}

function busy(): Response {
  return plain(503, "Too many are looking.", { "retry-after": "1" });
}

function plain(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return respond(status, `${text}\n`, {
    "content-type": "text/plain; charset=utf-8",
    ...headers,
  });
}

function respond(
  status: number,
  body: BodyInit | null,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(body, { status, headers: { ...HEADERS, ...headers } });
}

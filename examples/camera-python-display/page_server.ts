/** Serves `page.html` to the browser of this machine. */

const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'self'; img-src data:; frame-ancestors 'none'",
  "referrer-policy": "no-referrer", // the address is the secret
  "x-content-type-options": "nosniff",
};
const TYPES = new Map([
  ["page.html", "text/html"],
  ["page.css", "text/css"],
  ["page.js", "text/javascript"],
]);

/** A picture and what came back for it: their RGBA, one after the other. */
export interface Pictures {
  readonly frame: bigint;
  readonly width: number;
  readonly body: Blob;
}

export class PageServer implements AsyncDisposable {
  readonly url: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** @param next gives the next pictures, or `undefined` if none came for long */
  constructor(port: number, next: () => Promise<Pictures | undefined>) {
    const place = { hostname: "127.0.0.1", port, onListen() {} };
    this.#server = Deno.serve(place, async ({ url, headers }) => {
      // Other web pages do not know the token; other names for this machine are another host.
      const isOurs = headers.get("host") === host && url.startsWith(this.url);
      if (!isOurs) return respond(403, "forbidden\n");
      const name = url.slice(this.url.length) || "page.html";
      const type = TYPES.get(name);
      if (type) {
        const text = await Deno.readTextFile(new URL(name, import.meta.url));
        return respond(200, text, { "content-type": `${type}; charset=utf-8` });
      }
      if (name !== "picture") return respond(404, "not found\n");
      const pictures = await next();
      if (!pictures) return respond(204, null);
      const { frame, width, body } = pictures;
      return respond(200, body, { frame: `${frame}`, width: `${width}` });
    });
    const host = `127.0.0.1:${this.#server.addr.port}`;
    this.url = `http://${host}/${crypto.randomUUID()}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function respond(status: number, body: BodyInit | null, own = {}): Response {
  return new Response(body, { status, headers: { ...HEADERS, ...own } });
}

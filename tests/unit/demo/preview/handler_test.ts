import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { newToken } from "../../../../demo/preview/access.ts";
import { EventStream } from "../../../../demo/preview/event_stream.ts";
import { answer, type Shown } from "../../../../demo/preview/handler.ts";
import { PictureTap } from "../../../../demo/preview/picture_tap.ts";
import { PATIENCE_MS, soon } from "../../../helpers/soon.ts";

const HOST = "127.0.0.1:4567";
const TOKEN = "0123456789abcdef0123456789abcdef";

function shown(): Shown {
  return {
    host: HOST,
    token: TOKEN,
    states: new EventStream(),
    pictures: new PictureTap(),
    holdMs: 1,
  };
}

function request(
  path: string,
  method = "GET",
  headers: Record<string, string> = {},
): Request {
  return new Request(`http://${HOST}${path}`, {
    method,
    headers: { host: HOST, ...headers },
  });
}

const PATHS = ["", "page.css", "page.js", "states", "picture", "nothing"];

Deno.test("the preview is for who has its address, and comes from it", async () => {
  const cases: [what: string, request: (path: string) => Request][] = [
    ["no token", (path) => request(`/${path}`)],
    ["another token", (path) => request(`/${"f".repeat(32)}/${path}`)],
    ["half a token", (path) => request(`/${TOKEN.slice(0, 16)}/${path}`)],
    ["a longer token", (path) => request(`/${TOKEN}0/${path}`)],
    ["the token elsewhere", (path) => request(`/x/${TOKEN}/${path}`)],
    ["a query for a path", (path) => request(`/?/${TOKEN}/${path}`)],
    [
      "a name that was made to lead here",
      (path) =>
        request(`/${TOKEN}/${path}`, "GET", { host: "evil.example:4567" }),
    ],
    [
      "another port",
      (path) => request(`/${TOKEN}/${path}`, "GET", { host: "127.0.0.1" }),
    ],
    [
      "a page from elsewhere",
      (path) =>
        request(`/${TOKEN}/${path}`, "GET", { origin: "http://evil.example" }),
    ],
    [
      "a page without a place",
      (path) => request(`/${TOKEN}/${path}`, "GET", { origin: "null" }),
    ],
  ];
  for (const [what, make] of cases) {
    for (const path of PATHS) {
      const response = await answer(make(path), shown());
      assertEquals([what, path, response.status], [what, path, 403]);
      assertEquals(await response.text(), "Not yours to see.\n");
    }
  }
  for (const headers of [{}, { origin: `http://${HOST}` }]) {
    const response = await answer(
      request(`/${TOKEN}/`, "GET", headers),
      shown(),
    );
    assertEquals(response.status, 200);
    await response.body?.cancel();
  }
});

Deno.test("the preview's tokens are 128 bits, and no two are the same", () => {
  const tokens = Array.from({ length: 100 }, newToken);
  assert(tokens.every((token) => /^[0-9a-f]{32}$/.test(token)));
  assertEquals(new Set(tokens).size, 100);
});

Deno.test("the preview is looked at, by GET and HEAD", async () => {
  for (const path of ["", "page.css", "page.js"]) {
    const get = await answer(request(`/${TOKEN}/${path}`), shown());
    const head = await answer(request(`/${TOKEN}/${path}`, "HEAD"), shown());
    assertEquals([get.status, head.status], [200, 200]);
    assertEquals([...head.headers], [...get.headers]);
    assertEquals(head.body, null);
    assert((await get.text()).length > 500);
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const response = await answer(
        request(`/${TOKEN}/${path}`, method),
        shown(),
      );
      assertEquals(response.status, 405);
      assertEquals(response.headers.get("allow"), "GET, HEAD");
    }
  }
  for (const path of ["states", "picture"]) {
    for (const method of ["HEAD", "POST", "OPTIONS"]) {
      const response = await answer(
        request(`/${TOKEN}/${path}`, method),
        shown(),
      );
      assertEquals(response.status, 405);
      assertEquals(response.headers.get("allow"), "GET");
    }
  }
  for (const path of ["nothing", "toString", "page.css/"]) {
    const response = await answer(request(`/${TOKEN}/${path}`), shown());
    assertEquals([path, response.status], [path, 404]);
  }
});

Deno.test("every answer of the preview forbids what it does not need", async () => {
  const paths = [`/${TOKEN}/`, `/${TOKEN}/page.js`, `/${TOKEN}/picture`, "/"];
  for (const path of [...paths, `/${TOKEN}/nothing`]) {
    const { headers, body } = await answer(request(path), shown());
    const policy = headers.get("content-security-policy")!;
    assertStringIncludes(policy, "default-src 'none'");
    assert(!/unsafe|\*|http/.test(policy), policy);
    assertEquals(headers.get("cache-control"), "no-store");
    assertEquals(headers.get("referrer-policy"), "no-referrer");
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertEquals(headers.get("cross-origin-resource-policy"), "same-origin");
    assertEquals(headers.get("access-control-allow-origin"), null);
    await body?.cancel();
  }
});

Deno.test("the preview's page has everything in itself", async () => {
  const text = async (path: string): Promise<string> =>
    await (await answer(request(`/${TOKEN}/${path}`), shown())).text();
  const [html, css, script] = [
    await text(""),
    await text("page.css"),
    await text("page.js"),
  ];
  for (const part of [html, css, script]) {
    assert(
      !/https?:|\/\/[a-z]|@import|url\(/i.test(part.replaceAll(/\/\/ .*/g, "")),
    );
  }
  assert(!/innerHTML|document\.write|eval\(|new Function/.test(script));
  // No inline scripts or styles: the policy forbids them.
  assert(!/<style|<script>| style=| on[a-z]+=/.test(html));
  // It is valid JavaScript, and names only elements that the page has.
  await import(`data:text/javascript,${
    encodeURIComponent(
      `export function page() { return async () => {${script}}; }`,
    )
  }`);
  const ids = new Set(
    [...html.matchAll(/ id="([\w-]+)"/g)].map(([, id]) => id),
  );
  const named = [...script.matchAll(/\b(?:id|put|track)\("([\w-]+)"/g)];
  assert(named.length > 20);
  for (const [, id] of named) assert(ids.has(id), id);
});

Deno.test("a request for a picture is held until there is one", async () => {
  const place = { ...shown(), holdMs: PATIENCE_MS };
  const asked = answer(request(`/${TOKEN}/picture`), place);
  const frame = {
    frame_number: 7n,
    pixel_buffer: {
      width: 1,
      height: 1,
      bytes_per_row: 4,
      pixels: Uint8Array.of(1, 2, 3, 255),
    },
  };
  place.pictures.sending(frame);
  frame.pixel_buffer.pixels = Uint8Array.of(9, 8, 7, 255);
  place.pictures.received(frame);
  const response = await soon(asked, "the picture");
  assertEquals(response.status, 200);
  assertEquals(
    response.headers.get("content-type"),
    "application/octet-stream",
  );
  const header = (name: string): string | null =>
    response.headers.get(`x-${name}`);
  assertEquals(
    ["sequence", "frame", "width", "height"].map(header),
    ["1", "7", "1", "1"],
  );
  assertEquals([...await response.bytes()], [1, 2, 3, 255, 9, 8, 7, 255]);
});

Deno.test("a request for a picture that does not come ends without one", async () => {
  const late = await soon(
    answer(request(`/${TOKEN}/picture?after=0`), shown()),
    "the end",
  );
  assertEquals(late.status, 204);
  for (const after of ["-1", "x", "1.5", "1e3", ""]) {
    const response = await answer(
      request(`/${TOKEN}/picture?after=${after}`),
      shown(),
    );
    assertEquals([after, response.status], [after, 400]);
    await response.body?.cancel();
  }
});

Deno.test("too many who look are turned away, and let in when others have gone", async () => {
  const place = shown();
  const states = (): Promise<Response> =>
    answer(request(`/${TOKEN}/states`), place);
  const first = await states();
  assertEquals(first.headers.get("content-type"), "text/event-stream");
  const others = await Promise.all(Array.from({ length: 20 }, states));
  const refused = others.filter(({ status }) => status === 503);
  assertEquals(refused.length, 5);
  assertEquals(refused[0]!.headers.get("retry-after"), "1");
  await first.body!.cancel();
  assertEquals((await states()).status, 200);
  place.states.end();
});

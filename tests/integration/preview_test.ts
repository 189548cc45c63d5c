import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { PreviewStatus } from "../../demo/preview/status.ts";
import { run } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { PageProcess } from "../helpers/page_process.ts";
import { soon, until } from "../helpers/soon.ts";

/** `demo --preview` as a program, and its page without a browser. `tests/browser` uses a browser. */

const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  net: true,
  service: true,
} as const;

/** Reads the stream of states until `enough` holds or the stream ends. Returns all states. */
function statesOf(
  demo: PageProcess,
  enough: (status: PreviewStatus) => boolean,
): Promise<PreviewStatus[]> {
  return soon(readStates(demo, enough), "the states");
}

async function readStates(
  demo: PageProcess,
  enough: (status: PreviewStatus) => boolean,
): Promise<PreviewStatus[]> {
  const response = await demo.get("states");
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  const found: PreviewStatus[] = [];
  let text = "";
  for await (
    const chunk of response.body!.pipeThrough(new TextDecoderStream())
  ) {
    const events = (text + chunk).split("\n\n");
    text = events.pop()!;
    for (const event of events) {
      assert(event.startsWith("data: "), event);
      found.push(JSON.parse(event.slice("data: ".length)));
    }
    if (found.some(enough)) break;
  }
  return found;
}

/** The first pictures after `sequence`. Repeats the request after a 204 (no picture for 10 s), as the page does. */
async function pictureAfter(
  demo: PageProcess,
  sequence: string,
): Promise<Response> {
  let response: Response | undefined;
  await until("a picture", async () => {
    response = await demo.get(`picture?after=${sequence}`);
    return response.status !== 204;
  });
  return response!;
}

permittedTest(
  "demo --preview shows states and pictures until Ctrl-C, which ends it in order",
  NEEDS,
  async (t) => {
    using _ = isolatedHome();
    await using demo = await PageProcess.demo("--json");
    const { protocol, hostname } = new URL(demo.url);
    assertEquals([protocol, hostname], ["http:", "127.0.0.1"]);

    await t.step("the page, and nobody else's", async () => {
      const page = await demo.get("");
      assertEquals(page.status, 200);
      assertStringIncludes(
        await soon(page.text(), "the page"),
        "<title>StreamLib Bridge",
      );
      const { origin } = new URL(demo.url);
      for (
        const [url, headers] of [
          [`${origin}/`, {}],
          [`${origin}/${"0".repeat(32)}/`, {}],
          [demo.url, { origin: "http://evil.example" }],
        ] as const
      ) {
        const refused = await soon(fetch(url, { headers }), "the refusal");
        assertEquals(refused.status, 403);
        await refused.body?.cancel();
      }
      const status = statusWithHost(demo.url, "evil.example");
      assertEquals(await soon(status, "the refusal"), 403);
    });

    await t.step("the states, to the first frame and on", async () => {
      const last = (await statesOf(
        demo,
        (status) => status.frames_verified > 20,
      )).at(-1)!;
      assertEquals(
        [last.demo, last.derived_state, last.host_state, last.client_state],
        ["running", "ready", "acked", "acked"],
      );
      const times = last.steps.map(({ at_ms }) => at_ms ?? NaN);
      assertEquals(times, times.toSorted((a, b) => a - b));
      assertEquals(last.frames_dropped, 0);
      assertEquals(last.pixel_bytes_copied_per_frame, 0);
      assertEquals(last.path, "lane");
      assert(last.fps > 0 && last.latency_us!.p50 > 0);
      assert(last.pids.client > 0 && last.pids.client !== last.pids.host);
    });

    await t.step("pictures, each newer than the last, in and out", async () => {
      let after = "0";
      let before: Uint8Array | undefined;
      for (let i = 0; i < 3; i++) {
        const response = await pictureAfter(demo, after);
        assertEquals(response.status, 200);
        const sequence = response.headers.get("x-sequence")!;
        assert(Number(sequence) > Number(after));
        after = sequence;
        const bytes = await soon(response.bytes(), "its bytes");
        assertEquals(response.headers.get("x-width"), "640");
        assertEquals(bytes.length, 640 * 360 * 4 * 2);
        const half = bytes.length / 2;
        assert(!same(bytes.subarray(0, half), bytes.subarray(half)));
        assert(before === undefined || !same(bytes, before));
        before = bytes;
      }
    });

    await t.step(
      "a terminal's Ctrl-C, which the client gets too, does not end that",
      async () => {
        const [before] = await statesOf(demo, () => true);
        Deno.kill(before!.pids.client, "SIGINT");
        const enough = before!.frames_verified + 20;
        const after = (await statesOf(
          demo,
          (status) => status.frames_verified > enough,
        )).at(-1)!;
        assertEquals(after.pids, before!.pids);
        assertEquals(after.derived_state, "ready");
      },
    );

    await t.step("Ctrl-C: the last word, the table, code 0", async () => {
      const rest = statesOf(demo, () => false);
      rest.catch(() => {}); // reported when it is awaited
      await (await demo.get("picture")).body?.cancel();
      const { code, stdout } = await demo.interrupt();
      assertEquals(code, 0, demo.stderr());
      assertEquals((await rest).at(-1)?.demo, "ended");
      const summary = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
      assertEquals(summary.frames_verified, summary.frames_sent);
      assertEquals(summary.pixel_bytes_copied_per_frame, 0);
      assertStringIncludes(demo.stderr(), "verified ");
    });
  },
);

permittedTest(
  "demo --preview with --frames ends by itself, and a port that is taken is an error",
  NEEDS,
  async () => {
    using _ = isolatedHome();
    await using demo = await PageProcess.demo("--frames", "20", "--json");
    const { code, stdout } = await demo.ended();
    assertEquals(code, 0, demo.stderr());
    const summary = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
    assertEquals(summary.frames_verified, 20);

    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr as Deno.NetAddr;
    const late = await run(Deno.execPath(), {
      args: ["task", "--quiet", "demo", `--preview=${port}`],
      cwd: new URL("../../", import.meta.url),
    });
    assertEquals(late.code, 1);
    assertStringIncludes(
      late.stderr,
      `Cannot show the preview at 127.0.0.1:${port}: another program listens there`,
    );
  },
);

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Sends a request with another Host header, which `fetch` does not permit. */
async function statusWithHost(url: string, host: string): Promise<number> {
  const { hostname, port, pathname } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(
    `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
  ));
  const answer = new Uint8Array(64);
  const read = await connection.read(answer);
  const text = new TextDecoder().decode(answer.subarray(0, read ?? 0));
  return Number(/^HTTP\/1\.1 (\d+) /.exec(text)?.[1]);
}

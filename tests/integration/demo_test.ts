import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Ended, run } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";

const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  service: true,
} as const;

function demo(...args: string[]): Promise<Ended> {
  return run(Deno.execPath(), {
    args: ["task", "--quiet", "demo", ...args],
    cwd: new URL("../../", import.meta.url),
  });
}

// deno-lint-ignore no-explicit-any -- the shape is what these tests are about
function summaryOf({ code, stdout, stderr }: Ended): any {
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
}

permittedTest(
  "demo --json ends with one object that has everything, and every frame verified",
  NEEDS,
  async () => {
    using home = isolatedHome();
    const snapshot = `${home.path}/out.png`;
    const summary = summaryOf(
      await demo("--frames", "65", "--json", "--snapshot", snapshot),
    );
    assertEquals(summary.frames_sent, 65);
    assertEquals(summary.frames_received, 65);
    assertEquals(summary.frames_verified, 65);
    assertEquals(summary.frames_recomputed, 2);
    assertEquals(summary.frames_dropped, 0);
    assertEquals(summary.pixel_bytes_copied_per_frame, 0);
    assertEquals(summary.path, "dictionary");
    assert(
      summary.pids.host !== summary.pids.client && summary.pids.client > 0,
    );
    assert(summary.fps > 0 && summary.handshake_ms > 0);
    assert(summary.latency_us.p50 > 0);
    assert(summary.latency_us.p99 >= summary.latency_us.p50);
    assertEquals(typeof summary.input, "string");
    // A frame's message contains the id of the picture, not the picture.
    assert(summary.message_bytes_per_frame > 0);
    assert(summary.message_bytes_per_frame < 4096);
    const png = Deno.readFileSync(snapshot);
    assertEquals([...png.subarray(1, 4)], [0x50, 0x4e, 0x47]);
  },
);

permittedTest("demo at 1080p", NEEDS, async () => {
  using _ = isolatedHome();
  const summary = summaryOf(
    await demo("--frames", "12", "--size", "1920x1080", "--json"),
  );
  assertEquals(summary.size, "1920x1080");
  assertEquals(summary.frames_verified, 12);
  assertEquals(summary.pixel_bytes_copied_per_frame, 0);
});

permittedTest("demo of a Y4M file runs to its end", NEEDS, async () => {
  using home = isolatedHome();
  const path = `${home.path}/three.y4m`;
  const frame = new Uint8Array(6 + 64 * 48 * 3 / 2).fill(100);
  frame.set(new TextEncoder().encode("FRAME\n"));
  for (let x = 0; x < 900; x++) frame[6 + x] = 20;
  const header = new TextEncoder().encode("YUV4MPEG2 W64 H48 F10:1 C420\n");
  Deno.writeFileSync(
    path,
    Uint8Array.from([...header, ...frame, ...frame, ...frame]),
  );
  const summary = summaryOf(await demo("--input", path, "--json"));
  assertEquals(summary.frames_verified, 3);
  assertEquals(summary.size, "64x48");
  assertEquals(summary.input, path);
});

permittedTest("demo meets bad input with a clear error", NEEDS, async () => {
  using home = isolatedHome();
  const cut = `${home.path}/cut.y4m`;
  Deno.writeTextFileSync(cut, "YUV4MPEG2 W64 H48 F10:1 C420\nFRAME\nabc");
  const cases: [string[], number, string][] = [
    [["--fames", "3"], 2, "unknown argument"],
    [["--frames", "none"], 2, "--frames takes a whole number"],
    [["--size", "huge"], 2, "such as 1920x1080"],
    [["--input", `${home.path}/nothing.y4m`], 1, "there is no such file"],
    [["--input", cut], 1, "the video ends after 3 of its 4608 bytes"],
    [["--broker", "com.example.nobody"], 1, "com.example.nobody"],
  ];
  for (const [args, code, words] of cases) {
    const ended = await demo(...args);
    assertEquals([args, ended.code], [args, code], ended.stderr);
    assertStringIncludes(ended.stderr.toLowerCase(), words.toLowerCase());
    assertEquals(ended.stdout, "");
  }
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Ended, run, type RunOptions } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";

const ROOT = new URL("../../", import.meta.url);

function demo(...args: string[]): Promise<Ended> {
  return demoIn(ROOT, args);
}

/** Runs the demo in a folder of the checkout, with that text on standard input. */
function demoIn(
  cwd: URL,
  args: readonly string[],
  options: Pick<RunOptions, "input" | "env"> = {},
): Promise<Ended> {
  return run(Deno.execPath(), {
    args: ["task", "--quiet", "demo", ...args],
    cwd,
    ...options,
  });
}

/** A Y4M video of text characters alone. */
function textVideo(frames: number, header = "F10:1 Cmono"): string {
  const picture = Array.from(
    { length: 64 * 48 },
    (_, at) => at % 64 < 20 ? "0" : "z",
  ).join("");
  return `YUV4MPEG2 W64 H48 ${header}\n` + `FRAME\n${picture}`.repeat(frames);
}

// deno-lint-ignore no-explicit-any -- the shape is what these tests are about
function summaryOf({ code, stdout, stderr }: Ended): any {
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
}

permittedTest(
  "demo --json ends with one object that has everything, and every frame verified",
  HOST_NEEDS,
  async () => {
    using home = isolatedHome();
    const snapshot = `${home.path}/out.png`;
    const ended = await demo(
      ...["--frames", "65", "--json", "--snapshot", snapshot],
    );
    const summary = summaryOf(ended);
    assertEquals(summary.frames_sent, 65);
    assertEquals(summary.frames_received, 65);
    assertEquals(summary.frames_verified, 65);
    assertEquals(summary.frames_recomputed, 2);
    assertEquals(summary.frames_dropped, 0);
    assertEquals(summary.pixel_bytes_copied_per_frame, 0);
    assertEquals(summary.path, "lane");
    assert(/^path +a lane: /m.test(ended.stderr), ended.stderr);
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

permittedTest("demo at 1080p", HOST_NEEDS, async () => {
  using _ = isolatedHome();
  const summary = summaryOf(
    await demo("--frames", "12", "--size", "1920x1080", "--json"),
  );
  assertEquals(summary.size, "1920x1080");
  assertEquals(summary.frames_verified, 12);
  assertEquals(summary.pixel_bytes_copied_per_frame, 0);
});

permittedTest("demo of a Y4M file runs to its end", HOST_NEEDS, async () => {
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

/** Runs every Nth case of bad input. */
async function meetsBadInput(every: number): Promise<void> {
  using home = isolatedHome();
  const cut = `${home.path}/cut.y4m`;
  Deno.writeTextFileSync(cut, "YUV4MPEG2 W64 H48 F10:1 C420\nFRAME\nabc");
  const cases: [string[], number, string][] = [
    [["--fames", "3"], 2, "unknown argument"],
    [["--frames", "none"], 2, "--frames takes a whole number"],
    [["--size", "huge"], 2, "such as 1920x1080"],
    [["--input", `${home.path}/nothing.y4m`], 1, "there is no such file"],
    [["--input", cut], 1, "the video ends after 3 of its 4608 bytes"],
    [["--input", home.path], 1, "it is a folder"],
    [["--input", "-x.y4m"], 1, 'Cannot open "-x.y4m"'],
    [["--input", "/dev/null"], 1, "it is empty"],
    [["--snapshot", `${home.path}/no/x.png`], 1, `no folder "${home.path}/no"`],
    [["--snapshot", home.path], 1, "it is a folder"],
    [["--broker", "com.example.nobody"], 1, "com.example.nobody"],
  ];
  for (const [args, code, words] of cases.filter((_, n) => n % every === 0)) {
    const ended = await demo(...args);
    assertEquals([args, ended.code], [args, code], ended.stderr);
    assertStringIncludes(ended.stderr.toLowerCase(), words.toLowerCase());
    assertEquals(ended.stdout, "");
    // Nothing was started yet, except for a broker's name that nobody serves.
    assertEquals(
      ended.stderr.trim().split("\n").length <= 2,
      true,
      ended.stderr,
    );
  }
  const json = await demo("--json", "--snapshot", `${home.path}/no/x.png`);
  assertEquals(json.code, 1);
  const { error } = JSON.parse(json.stdout);
  assertEquals(error.code, "output_unwritable");
  assertStringIncludes(json.stderr, error.message);
  const usage = await demo("--json", "--frames", "0");
  assertEquals([usage.code, JSON.parse(usage.stdout).error.code], [2, "usage"]);
}

permittedTest(
  "demo meets bad input with a clear error",
  HOST_NEEDS,
  () => meetsBadInput(4),
);
permittedTest(
  "demo meets all bad input with a clear error",
  { ...HOST_NEEDS, exhaustive: true },
  () => meetsBadInput(1),
);

permittedTest(
  "demo of standard input, which is read once",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    for (const input of ["-", "/dev/stdin"]) {
      const args = ["--input", input, "--frames", "9", "--json"];
      const ended = await demoIn(ROOT, args, { input: textVideo(4) });
      assertEquals(summaryOf(ended).frames_verified, 4);
      assertStringIncludes(ended.stderr, "it can be read only once");
    }
  },
);

permittedTest("demo takes paths from where it is typed", {
  ...HOST_NEEDS,
  exhaustive: true,
}, async () => {
  using home = isolatedHome();
  const from = new URL("docs/images/", ROOT);
  await Deno.writeTextFile(`${home.path}/film`, textVideo(2));
  const up = "../".repeat(from.pathname.split("/").length);
  const file = `${up}${home.path.slice(1)}`;
  const ended = await demoIn(from, [
    ...["--input", `${file}/film`, "--snapshot", `${file}/out.png`, "--json"],
  ]);
  assertEquals(summaryOf(ended).frames_verified, 2);
  assert((await Deno.stat(`${home.path}/out.png`)).isFile);
});

/** Runs the demo with a shell script as ffmpeg, which is written to that folder. */
async function demoWithFfmpeg(
  folder: string,
  script: string,
  args: readonly string[],
): Promise<Ended> {
  await Deno.mkdir(folder, { recursive: true });
  // Written by another process: see tests/unit/demo/input/ffmpeg_test.ts.
  const written = await run("/bin/sh", {
    args: ["-c", 'cat > "$0" && chmod 700 "$0"', `${folder}/ffmpeg`],
    input: `#!/bin/sh\n${script}\n`,
  });
  assertEquals(written.code, 0, written.stderr);
  const env = { PATH: `${folder}:${Deno.env.get("PATH")}` };
  return await demoIn(ROOT, args, { env });
}

permittedTest(
  "a result that cannot be written is told in one line",
  { ...HOST_NEEDS, linux: "/dev/full" },
  async () => {
    const to = (target: string): Promise<Ended> =>
      run("sh", {
        args: [
          "-c",
          `"$0" task --quiet demo --help ${target}`,
          Deno.execPath(),
        ],
        cwd: ROOT,
      });
    const full = await to(">/dev/full");
    assertEquals(
      full.stderr,
      "demo: Cannot write the result to standard output: No space left on device (os error 28)\n",
    );
    assertEquals(full.code, 1);
    // The shell's status is that of `true`, so only the words count.
    assertEquals((await to("| true")).stderr, "");
  },
);

permittedTest(
  "a snapshot that fails at the end costs no numbers",
  { ...HOST_NEEDS, exhaustive: true },
  async () => {
    using home = isolatedHome();
    await Deno.writeTextFile(`${home.path}/film`, "not Y4M");
    await Deno.writeTextFile(`${home.path}/decoded`, textVideo(3));
    await Deno.mkdir(`${home.path}/out`);
    // ffmpeg is started after the check of the snapshot.
    const script =
      `rmdir '${home.path}/out' && exec cat '${home.path}/decoded'`;
    const ended = await demoWithFfmpeg(`${home.path}/bin`, script, [
      ...["--input", `${home.path}/film`, "--json"],
      ...["--snapshot", `${home.path}/out/a.png`],
    ]);
    assertEquals(ended.code, 1, ended.stderr);
    const summary = JSON.parse(ended.stdout);
    assertEquals(summary.frames_verified, 3);
    assertEquals(summary.error.code, "output_unwritable");
    assertStringIncludes(ended.stderr, summary.error.message);
  },
);

permittedTest(
  "Y4M that the demo does not read itself goes to ffmpeg",
  HOST_NEEDS,
  async () => {
    using home = isolatedHome();
    const film = `${home.path}/twelve bits.y4m`;
    await Deno.writeTextFile(film, textVideo(3, "F10:1 C420p12"));
    const args = ["--input", film, "--json"];
    const found = (script: string): Promise<Ended> =>
      demoWithFfmpeg(`${home.path}/bin`, script, args);
    await Deno.writeTextFile(`${home.path}/decoded`, textVideo(3));
    const good = await found(`exec cat '${home.path}/decoded'`);
    assertEquals(summaryOf(good).frames_verified, 3);
    assertStringIncludes(good.stderr, "decoded by ffmpeg");
    const bad = await found("echo '[y4m @ 0x1] no such depth' >&2; exit 9");
    assertEquals(bad.code, 1);
    const { error } = JSON.parse(bad.stdout);
    assertEquals(error.code, "ffmpeg_failed");
    assertStringIncludes(
      error.message,
      '"no such depth" (ffmpeg ended with status 9)',
    );
    assertStringIncludes(error.message, 'the colour space is "C420p12"');
  },
);

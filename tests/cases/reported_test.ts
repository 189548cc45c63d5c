import { assert, assertEquals, assertMatch } from "@std/assert";
import { reported } from "./case.ts";

/** What users reported, each input with its right result. */

/** How often `pattern` is in the text. */
function count(text: string, pattern: RegExp): number {
  return [...text.matchAll(new RegExp(pattern, "g"))].length;
}

/** The part of the output below `-- heading`, up to the next heading. */
function below(output: string, heading: string): string {
  const [, after] = output.split(`-- ${heading}\n`);
  assert(after !== undefined, `no part "-- ${heading}"`);
  return after.split("\n-- ")[0]!;
}

function assertLacks(text: string, pattern: RegExp, what = ""): void {
  assert(!pattern.test(text), `${what || pattern} is in: ${text}`);
}

const ALL_FRAMES = /OK: all frames came/;

reported("00-transferred-memory", (output) => {
  const right =
    /sent true[;,] (back: 9216 bytes, the first 255|960 samples back)/;
  const refused =
    /threw BridgeError: Cannot send this frame .* was transferred/;
  for (
    const [mode, sent] of [["none", 3], ["byob", 0], ["worker", 3], [
      "audio",
      2,
    ]] as const
  ) {
    const part = below(output, mode);
    assertEquals(
      [count(part, right), count(part, refused)],
      [sent, 3 - sent],
      mode,
    );
    assertMatch(part, /^closed$/m, mode);
    // Its ffmpeg waits in a pipe that nobody reads, and keeps Deno from ending,
    // also without this library.
    if (mode !== "byob") assertMatch(part, /^rc=0 /m, mode);
  }
  assertEquals(count(output, /another client: true/), 2);
  assertEquals(count(output, /host rc=0/), 2);
}, { tools: ["ffmpeg"] });

reported("01-stderr-eagain-enospc", (output) => {
  assertEquals(count(output, ALL_FRAMES), 2);
  assertEquals(count(output, /host rc=0/), 2);
}, { tools: ["python3"] });

reported("02-stderr-slow-reader-stops-the-host", (output) => {
  assertEquals(count(output, ALL_FRAMES), 3);
}, { tools: ["python3"] });

reported("03-deno-replaced-while-running", (output) => {
  assertMatch(output, /the restarting host: lives/);
  assertMatch(output, /a new launch: ready/);
  assertMatch(output, /with deno: '\/proc\/self\/exe': ready/);
  assertMatch(output, /rc=0/);
});

reported("04-pid-namespace", (output) => {
  for (const part of ["ns", "collide"]) {
    assertMatch(below(output, part), /^ready$/m);
    assertMatch(below(output, part), /still there after 12 s/);
  }
}, { root: true, tools: ["unshare"] });

reported("06-run-by-name-has-no-path", (output) => {
  const results = output.split("-- ").slice(1);
  assertEquals(results.length, 5);
  for (const [index, result] of results.entries()) {
    // The third grants a path, and the module asks for a name, which may be found elsewhere.
    if (index !== 2) assertMatch(result, ALL_FRAMES);
    else assertLacks(result, /entity not found/);
  }
});

reported("07-large-error-is-lost", (output) => {
  const right =
    /CAUGHT client_failed the client failed: Error: shader does not compile: yyy/;
  assertEquals(count(output, right), 5);
});

reported("10-y4m-of-ten-bits-by-name", (output) => {
  assertEquals(count(output, /"frames_verified":[1-9]/), 2);
  assertLacks(output, /\^\[|\^M/, "a control character was printed");
}, { tools: ["ffmpeg"] });

reported("11-demo-ends-with-a-stack-trace", (output) => {
  assertLacks(output, /Uncaught|^ {4}at /m);
  assertMatch(below(output, "snapshot"), /\/nope/);
  assertMatch(below(output, "/dev/stdin"), /empty/);
});

reported("12-ffmpeg-last-line", (output) => {
  assertLacks(output, /^demo:.*To ignore this/m);
  assertMatch(below(output, "sound.mp2"), /no (video|picture)/i);
  assertLacks(
    below(output, "cut.png").split("\n")[0]!,
    /Error marking filters/,
  );
}, { tools: ["ffmpeg"] });

reported("14-run-directory-errors", (output) => {
  // A host needs no directory any more. What a listener by name says of one is tested in C.
  assertMatch(below(output, "read-only HOME"), ALL_FRAMES);
  assertMatch(
    below(output, "XDG_RUNTIME_DIR that is not there"),
    ALL_FRAMES,
  );
  assertMatch(below(output, "relative HOME"), ALL_FRAMES);
  assertMatch(below(output, "umask 0177"), ALL_FRAMES);
  assertMatch(below(output, "then umask 022"), ALL_FRAMES);
}, { root: true, tools: ["setpriv"] });

reported("16-proxy-and-certificates", (output) => {
  assertMatch(output, /host has gain 2/);
  assertMatch(output, /echo has gain 2/);
  assertLacks(output, /Cannot give the client the variable "DENO_CERT"/);
}, { tools: ["python3"] });

reported("17-texts", (output) => {
  assertMatch(output, /nv21: schema_mismatch .*rgba8.*gray8/);
  assertMatch(output, /rgba8: schema_mismatch .*16n/);
  assertMatch(output, /a % in a URL: bad_argument/);
  assertMatch(output, /colours: client_failed .*Uncaught Error: boom/);
  assertLacks(output, /\\u001b/, "a colour code was passed on");
});

reported("20-read-behaviour-of-one-side", (output) => {
  assertMatch(output, /got 50 |CAUGHT|schema_mismatch/);
});

reported("21-tail-at-close", (output) => assertMatch(output, /got 20 0/));

reported("22-forgotten-using", (output) => {
  assertEquals(count(output, /warn/i), 2);
});

reported("23-batch-above-capacity", (output) => {
  assertMatch(output, /capacity/);
});

reported("24-optional-ports-and-frame-sizes", (output) => {
  assertMatch(output, /^without b ready$/m);
  assertMatch(output, /^without a -> .*'a'/m);
  assertMatch(output, /^b required ready$/m);
  // Its texture makes it a whole frame.
  assertLacks(output, /^short:/m);
  assertMatch(
    output,
    /^inconsistent: .*VideoFrame\.(width|height|pixel_format): /m,
  );
});

reported("25-run-after-close", (output) => {
  assertMatch(output, /^run resolved$/m);
  assertMatch(output, /^ended undefined$/m);
});

reported("26-lock-file", (output) => {
  assertMatch(output, /host ms 2\.1\.1/);
  assertMatch(output, /client ms 2\.1\.1/);
});

reported("27-forward-a-received-frame", (output) => {
  assertMatch(output, /^send\(a\): true$/m);
});

reported("28-a-host-that-is-its-own-deno", (output) => {
  assertMatch(output, /hosts started: [012]$/m);
  assertMatch(output, /deno/i);
  assertLacks(output, /^ready$/m);
});

import { assertEquals } from "@std/assert";
import {
  endOfAgent,
  exitInWords,
  LAST_LINES,
  lastLines,
  lastLinesOf,
  pidOfAgent,
  signalInWords,
} from "../../../launchd/ended.ts";
import { permittedTest } from "../../helpers/permitted.ts";

/** What `launchctl print` writes of an agent, in the shape of macOS 13 to 15. The blocks in it have keys of the same names. */
function printed(state: string, ...own: string[]): string {
  return [
    "gui/501/com.example.broker = {",
    "\tactive count = 0",
    "\tpath = /Users/ada/Library/LaunchAgents/com.example.broker.plist",
    "\ttype = LaunchAgent",
    `\tstate = ${state}`,
    "",
    "\tprogram = /opt/deno",
    "\targuments = {",
    "\t\t/opt/deno",
    "\t\tpid = 99",
    "\t}",
    "",
    "\tdomain = gui/501 [100002]",
    "\tminimum runtime = 10",
    "\texit timeout = 10",
    ...own.map((line) => `\t${line}`),
    "",
    "\tresource coalition = {",
    "\t\tID = 1114",
    "\t\tstate = active",
    "\t\tlast exit code = 5",
    "\t}",
    "\tendpoints = {",
    '\t\t"com.example.broker" = {',
    "\t\t\tactive instances = 0",
    "\t\t}",
    "\t}",
    "}",
    "",
  ].join("\n");
}

Deno.test("ended: how an agent of launchd has ended", () => {
  const table: [text: string, end: string | undefined, pid?: number][] = [
    [
      printed("not running", "runs = 0", "last exit code = (never exited)"),
      undefined,
    ],
    [printed("not running", "runs = 3", "last exit code = 0"), undefined],
    [printed("running", "runs = 1", "pid = 4711"), undefined, 4711],
    [
      printed("spawn scheduled", "runs = 5", "last exit code = 1"),
      "it ended with exit code 1",
    ],
    [
      printed(
        "not running",
        "runs = 21",
        "last exit code = 78: EX_CONFIG",
        "job state = spawn failed",
      ),
      "launchd cannot start it (78: EX_CONFIG): a program or a directory of its property list is missing",
    ],
    // On some systems the signal replaces the code; on others an old code stays.
    [
      printed("not running", "last terminating signal = Killed: 9"),
      "it was ended by SIGKILL",
    ],
    [
      printed(
        "not running",
        "last exit code = (never exited)",
        "last terminating signal = Segmentation fault: 11",
      ),
      "it was ended by SIGSEGV",
    ],
    // `launchctl bootout` and `kickstart -k` end it so.
    [
      printed("not running", "last terminating signal = Terminated: 15"),
      undefined,
    ],
    [
      printed(
        "not running",
        "last exit reason = JETSAM_REASON_MEMORY_IDLE_EXIT",
      ),
      "launchd ended it: JETSAM_REASON_MEMORY_IDLE_EXIT",
    ],
    ["something else entirely", undefined],
  ];
  for (const [text, end, pid] of table) {
    assertEquals(endOfAgent(text), end, text);
    assertEquals(pidOfAgent(text), pid, text);
  }
});

Deno.test("ended: codes and signals in words", () => {
  assertEquals(exitInWords(1), "it ended with exit code 1");
  assertEquals(signalInWords(9), "it was ended by SIGKILL");
  assertEquals(signalInWords(60), "it was ended by signal 60");
});

Deno.test("ended: the last lines have the reason, not the stack, and nothing that a terminal acts on", () => {
  const esc = String.fromCharCode(27);
  assertEquals(
    lastLines(
      `${esc}[1merror${esc}[0m: Uncaught TypeError: no such package\n    0: not in the cache\n` +
        `  await import("x");\n        ^\n    at file:///a.ts:1:1\n\n${esc}]0;title\n`,
    ),
    [
      "error: Uncaught TypeError: no such package",
      "    0: not in the cache",
      '  await import("x");',
      "\\u001b]0;title",
    ],
  );
  const many = Array.from(
    { length: 50 },
    (_, at) => `line ${at} ${"x".repeat(1000)}`,
  );
  const last = lastLines(many.join("\n"));
  assertEquals(last.length, LAST_LINES);
  assertEquals(last.every((line) => line.length === 400), true);
});

permittedTest(
  "ended: the end of a file is read, and a link or a missing one is none",
  { read: true, write: true },
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      const path = `${folder}/stderr`;
      assertEquals(await lastLinesOf(path), []);
      await Deno.writeTextFile(path, `${"x".repeat(100_000)}\nthe reason\n`);
      assertEquals((await lastLinesOf(path)).at(-1), "the reason");
      await Deno.symlink(path, `${folder}/link`);
      assertEquals(await lastLinesOf(`${folder}/link`), []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

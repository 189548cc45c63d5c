import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Clang } from "../../tools/fuzz/clang.ts";
import * as child from "../helpers/child.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { prepared } from "../helpers/preparation.ts";

/**
 * The two ways to run a fuzz target: `c/fuzz/replay.c` runs the inputs that it is
 * given, and a clang's libFuzzer finds the input that ends the target.
 */

const ROOT = new URL("../../", import.meta.url);

/** Fails on three bytes, each behind a branch of its own. Never returns on a fourth. */
const TARGET = `
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3 || data[0] != 'X') return 0;
    if (data[1] != 'P') return 0;
    if (data[2] == 'C') abort();
    while (data[2] == 'H') continue;
    return 0;
}
`;

/** The same without the loop: libFuzzer's limit for an input is far longer than a test's. */
const FINITE = TARGET.replace(/ {4}while .*\n/, "");

async function run(
  program: string,
  args: string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  return await child.run(program, { args, cwd: ROOT });
}

const TOOLS = { run: true, read: true, write: true, env: true } as const;

/** Runs the replayer on the text of a corpus. */
async function replay(
  text: string,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const folder = await Deno.makeTempDir();
  try {
    const program = `${folder}/replay`, target = `${folder}/target.c`;
    const corpus = `${folder}/target.corpus`;
    await Deno.writeTextFile(target, TARGET);
    await Deno.writeTextFile(corpus, text);
    const compiled = await run(Deno.env.get("CC") || "cc", [
      ...["-O1", "-D_GNU_SOURCE", "-DHANG_SECONDS=1"],
      ...["c/fuzz/replay.c", target, "-o", program],
    ]);
    assertEquals(compiled.code, 0, compiled.stderr);
    const { code, stdout, stderr } = await run(program, [corpus]);
    return { code, stdout: stdout.replaceAll(folder, ""), stderr };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

permittedTest(
  "the replayer runs each input, and its last line names the one that ended it",
  { ...TOOLS, linux: "the fuzzers, of our libxpc" },
  async () => {
    const good = await replay("# XPA, XPB\n585041\n\n585042\n");
    assertEquals(good.code, 0, good.stderr);
    assertEquals(
      good.stdout,
      "/target.corpus:2\n/target.corpus:4\n2 inputs\n",
    );
    const bad = await replay("585041\n585043\n585042\n");
    assert(bad.code !== 0);
    assertEquals(bad.stdout, "/target.corpus:1\n/target.corpus:2\n");
    const hanging = await replay("585048\n");
    assertEquals(hanging.code, 1);
    assertStringIncludes(hanging.stderr, "did not return");
    assertEquals((await replay("58504\n")).code, 2);
    assertEquals((await replay("58504X\n")).code, 2);
  },
);

async function findsTheFault(clang: Clang): Promise<void> {
  const { runFuzzer } = await import("../../tools/fuzz/fuzzers.ts");
  const folder = await Deno.makeTempDir();
  const crashes = new URL(`file://${folder}/`);
  const seed = "-seed=1";
  try {
    const program = `${folder}/fuzz`, target = `${folder}/target.c`;
    await Deno.writeTextFile(target, FINITE);
    const [first, ...rest] = clang.command;
    const compiled = await run(first!, [
      ...rest,
      ...["-O1", "-fsanitize=fuzzer", target, "-o", program],
    ]);
    assertEquals(compiled.code, 0, compiled.stderr);
    for (const name of ["found", "fewest"]) {
      await Deno.mkdir(`${folder}/${name}`);
    }
    const start = (flags: string[], ...names: string[]) =>
      runFuzzer("target", program, {
        flags: [seed, ...flags],
        folders: names.map((name) => `${folder}/${name}`),
        clang,
        crashes,
      });
    const fuzzed = await start(["-runs=5000000"], "found");
    assert(!fuzzed.success, fuzzed.text);
    assertEquals(fuzzed.crashes.length, 1, fuzzed.text);
    assertEquals(fuzzed.crashes[0]!.slice(0, 6), "585043");
    // The input fails again when it is run alone. The other inputs do not fail,
    // and a few of them reach the same code.
    const crash = [...Deno.readDirSync(folder)]
      .find(({ name }) => name.startsWith("target_fuzz.crash-"))!.name;
    assertEquals((await start([], crash)).success, false);
    assertEquals((await start(["-runs=0"], "found")).success, true);
    assert((await start(["-merge=1"], "fewest", "found")).success);
    const fewest = [...Deno.readDirSync(`${folder}/fewest`)].length;
    assert(fewest >= 2 && fewest <= 4, `${fewest} inputs`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

// Looking for a clang may download one, so it is not done for a quick run.
const clang = Deno.args.includes("--exhaustive") && Deno.build.os === "linux"
  ? await prepared(
    "a clang",
    (await import("../../tools/fuzz/clang.ts")).findClang(),
  )
  : undefined;

permittedTest(
  "libFuzzer finds a fault and keeps its input",
  {
    ...TOOLS,
    linux: "the fuzzers, of our libxpc",
    exhaustive: true,
    lacking: typeof clang === "string" ? clang : undefined,
  },
  async () => {
    if (typeof clang === "object") await findsTheFault(clang);
  },
);

/**
 * `deno task test:c`: compiles the C tests under AddressSanitizer and
 * UndefinedBehaviorSanitizer and runs them, and every input of the fuzzers'
 * corpus.
 */

import { cc, SANITIZED, say, whenChanged } from "./compile.ts";
import { compileFuzzer, FUZZERS, replay } from "./fuzz/fuzzers.ts";
import { LINUX, listC, listShim } from "./sources.ts";

/** What stands in for macOS's frameworks; the test that loads it looks beside itself. */
async function buildDouble(): Promise<void> {
  const sources = await listC("tests/", "_double.c");
  const flags = [...LINUX, ...SANITIZED, "-fPIC", "-shared"];
  await whenChanged(
    "iosurface_double.so",
    sources,
    flags,
    (output) => cc([...flags, ...sources, "-o", output]),
  );
}

/**
 * A test of c/linux links that alone; one of the shim links both; one of the
 * shim's surfaces on macOS links those, and lends the double its libxpc.
 */
async function compileTest(test: string): Promise<string> {
  const linux = await listC("linux/");
  const name = test.slice("c/tests/".length, -".c".length);
  const overDouble = name.startsWith("iosurface_");
  const shim = name.startsWith("linux_")
    ? []
    : await listShim(overDouble ? "double" : "linux");
  const sources = [test, ...shim, ...linux];
  const flags = [
    ...LINUX,
    ...SANITIZED,
    ...(overDouble ? ["-rdynamic"] : []),
  ];
  return await whenChanged(
    name,
    sources,
    flags,
    (output) => cc([...flags, ...sources, "-o", output]),
  );
}

async function succeeds(program: string): Promise<boolean> {
  say(`--- ${program.slice(program.lastIndexOf("/") + 1)}`);
  const { success } = await new Deno.Command(program, {
    stdin: "null",
  }).spawn().status;
  return success;
}

/** The tests, and the corpus of each fuzzer once more. */
async function runTests(): Promise<void> {
  await buildDouble();
  let passed = 0, failed = 0;
  for (const test of await listC("tests/", "_test.c")) {
    if (await succeeds(await compileTest(test))) passed++;
    else failed++;
  }
  for (const fuzzer of FUZZERS) {
    const program = await compileFuzzer(fuzzer);
    say(`--- ${fuzzer}_fuzz, its corpus`);
    if (await replay(fuzzer, program)) passed++;
    else failed++;
  }
  say(`C tests under ASan and UBSan: ${passed} passed, ${failed} failed`);
  if (failed > 0) Deno.exit(1);
}

await runTests();

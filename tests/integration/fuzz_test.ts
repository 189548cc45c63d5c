import { assert, assertEquals } from "@std/assert";
import * as child from "../helpers/child.ts";
import { permittedTest } from "../helpers/permitted.ts";

/** `c/fuzz/driver.c` finds what it is there to find, and says with what. */

const ROOT = new URL("../../", import.meta.url);

/** Three bytes to guess: one in sixteen million for who does not learn. */
const TARGET = `
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3 || data[0] != 'X') return 0;
    if (data[1] != 'P') return 0;
    if (data[2] == 'C') abort();
    return 0;
}
`;

async function run(
  program: string,
  args: string[],
): Promise<{ success: boolean; text: string }> {
  const { code, stderr } = await child.run(program, { args, cwd: ROOT });
  return { success: code === 0, text: stderr };
}

/** The target alone is learnt from, as in c/fuzz. */
async function compile(folder: string): Promise<string> {
  const cc = async (args: string[]): Promise<void> => {
    const common = ["-O1", "-D_GNU_SOURCE", "-Ic/linux/include"];
    const { success, text } = await run(Deno.env.get("CC") || "cc", [
      ...common,
      ...args,
    ]);
    assert(success, text);
  };
  const program = `${folder}/fuzz`;
  const target = `${folder}/target.c`;
  const driver = `${folder}/driver.o`;
  await Deno.writeTextFile(target, TARGET);
  await cc(["-r", "c/fuzz/driver.c", "c/linux/sha256.c", "-o", driver]);
  await cc(["-fsanitize-coverage=trace-pc", target, driver, "-o", program]);
  return program;
}

permittedTest("the fuzzer of our own finds a fault and keeps its input", {
  run: true,
  read: true,
  write: true,
  env: true,
  linux: "the fuzzer, of our libxpc",
}, async () => {
  const folder = await Deno.makeTempDir();
  try {
    const program = await compile(folder);
    for (const name of ["found", "fewest"]) {
      await Deno.mkdir(`${folder}/${name}`);
    }
    const options = ["-runs=500000", `-artifact_prefix=${folder}/`];
    const { success, text } = await run(program, [
      ...options,
      `${folder}/found`,
    ]);
    assert(!success, text);
    const crash = [...Deno.readDirSync(folder)]
      .find(({ name }) => name.startsWith("crash-"))!.name;
    const input = await Deno.readTextFile(`${folder}/${crash}`);
    assertEquals(input.slice(0, 3), "XPC");
    // Alone it fails again; what was found on the way does not, and little of it is needed.
    const replayed = (path: string): Promise<{ success: boolean }> =>
      run(program, ["-runs=0", ...options.slice(1), `${folder}/${path}`]);
    assertEquals((await replayed(crash)).success, false);
    assertEquals((await replayed("found")).success, true);
    await run(program, ["-merge=1", `${folder}/fewest`, `${folder}/found`]);
    const fewest = [...Deno.readDirSync(`${folder}/fewest`)].length;
    assert(fewest >= 2 && fewest <= 4, `${fewest} inputs`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

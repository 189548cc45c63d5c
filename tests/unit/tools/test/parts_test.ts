import { assert, assertEquals } from "@std/assert";
import { PARTS, planParts } from "../../../../tools/test/parts.ts";
import { permittedTest } from "../../../helpers/permitted.ts";

const ROOT = new URL("../../../../", import.meta.url);

async function* testFiles(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(new URL(folder, ROOT))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* testFiles(path);
    else if (entry.name.endsWith("_test.ts")) yield path;
  }
}

/** The files and folders below tests/ that the steps of a run name. */
async function named(extent: "quick" | "all" | "rest"): Promise<Set<string>> {
  const tasks = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", ROOT)),
  ).tasks;
  const words = (await planParts(extent, [])).flatMap(({ steps }) =>
    steps.flatMap(({ command }) => {
      const task = command[1] === "task" ? tasks[command[3]!] : undefined;
      return task ? task.command.split(" ") : command;
    })
  );
  return new Set(words.filter((word) => word.startsWith("tests/")));
}

permittedTest("every test file belongs to a part", { read: true }, async () => {
  const all = await named("all");
  const forgotten: string[] = [];
  let files = 0;
  for await (const path of testFiles("tests")) {
    files++;
    const folders = path.split("/").map((_, i, parts) =>
      parts.slice(0, i + 1).join("/")
    );
    if (!folders.some((place) => all.has(place))) forgotten.push(path);
  }
  assert(files > 100, `only ${files} files were found`);
  assertEquals(forgotten, []);
});

/** What runs with the transport that a run asks for. */
const EITHER_TRANSPORT =
  /from ".*\/(channel_pair|graph|two_way_link|lane_handshake)\.ts"/;

permittedTest(
  "every test of channels, ends and graphs runs over dictionaries too, but for that of lanes",
  { read: true },
  async () => {
    const [part] = await planParts("all", ["dictionary"]);
    const steps = part!.steps.filter(({ env }) =>
      env?.["STREAMLIB_TEST_PATH"] === "dictionary"
    );
    const twice = new Set(steps.map(({ command }) => command.at(-1)));
    assertEquals(twice.size, part!.steps.length);
    const once: string[] = [];
    for (const folder of ["tests/integration", "tests/faults"]) {
      for await (const path of testFiles(folder)) {
        const text = await Deno.readTextFile(new URL(path, ROOT));
        if (EITHER_TRANSPORT.test(text) && !twice.has(path)) once.push(path);
      }
    }
    assertEquals(once, ["tests/integration/lane_test.ts"]);
  },
);

permittedTest(
  "what a quick run leaves out is what the rest has",
  { read: true },
  async () => {
    const steps = async (extent: "quick" | "all" | "rest") =>
      (await planParts(extent, [])).flatMap(({ steps }) => steps);
    const [quick, all, rest] = await Promise.all([
      steps("quick"),
      steps("all"),
      steps("rest"),
    ]);
    // A part may run another part's command, with other variables.
    const key = (step: { name: string; command: readonly string[] }): string =>
      [step.name, ...step.command.filter((word) => word !== "--not-quick")]
        .join(" ");
    const exhaustive = rest.filter(({ command }) =>
      command.includes("--exhaustive")
    );
    assert(exhaustive.length > 3, "files with exhaustive tests");
    // What was run is not run again.
    const files = new Set(quick.map(({ name }) => name));
    for (const { name, command } of exhaustive) {
      assertEquals(command.includes("--not-quick"), files.has(name), name);
    }
    // A file with exhaustive tests is in both, another command in one of them.
    assertEquals(
      new Set(all.map(key)),
      new Set(
        [...quick, ...rest].map(key).filter((command) =>
          !exhaustive.some((step) =>
            key(step) !== command && key(step).startsWith(command)
          )
        ),
      ),
    );
  },
);

permittedTest(
  "a part or a piece of a file's name chooses what is run",
  { read: true },
  async () => {
    const [faults, ...others] = await planParts("quick", ["faults"]);
    assertEquals([faults?.name, others], ["faults", []]);
    assertEquals(
      (await planParts("quick", ["tests/integration/cli_"])).flatMap((
        { steps },
      ) => steps.map(({ name }) => name)),
      [
        "tests/integration/cli_logs_test.ts",
        "tests/integration/cli_process_test.ts",
        "tests/integration/cli_test.ts",
      ],
    );
    assertEquals(await planParts("all", ["no such test"]), []);
  },
);

permittedTest(
  "the budgets of a quick run are 5 minutes of two cores, of all 40 minutes at the most",
  { read: true },
  async () => {
    const secs = { quick: 0, rest: 0 };
    for (const part of PARTS) {
      const { quick, budgetSecs, exhaustiveSecs = 0, steps } = part;
      const [first] = await steps("quick");
      const atOnce = first!.alone ? 1 : 4;
      secs[quick ? "quick" : "rest"] += budgetSecs / atOnce;
      secs.rest += exhaustiveSecs / atOnce;
    }
    assert(secs.quick <= 5 * 60, `${secs.quick} s`);
    assert(secs.quick + secs.rest <= 40 * 60, `${secs.rest} s more`);
  },
);

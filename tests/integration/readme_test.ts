import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { blocksOf, commandsOf, filesOf, isShown } from "../helpers/markdown.ts";
import { permittedTest } from "../helpers/permitted.ts";

const ROOT = new URL("../../", import.meta.url);

permittedTest(
  "the README's host and client run as they stand there, with the permissions that it names",
  {
    run: true,
    read: true,
    write: true,
    env: true,
    service: true,
  },
  async () => {
    using home = isolatedHome();
    const readme = await Deno.readTextFile(new URL("README.md", ROOT));
    const files = filesOf(readme);
    assertEquals([...files.keys()], ["host.ts", "invert.ts"]);
    const project = `${home.path}/project`;
    await Deno.mkdir(project);
    for (const [name, code] of files) {
      await Deno.writeTextFile(`${project}/${name}`, code);
    }
    const imports = Object.fromEntries(
      ["host", "client"].map((side) => [
        `@streamlib/bridge/${side}`,
        new URL(`${side}/mod.ts`, ROOT).href,
      ]),
    );
    await Deno.writeTextFile(
      `${project}/deno.json`,
      JSON.stringify({ imports }),
    );
    const { line, output } = blocksOf(readme)
      .filter(({ language }) => language === "console").flatMap(commandsOf)
      .find(({ line }) => /^deno run .* host\.ts$/.test(line))!;
    const { code, stdout, stderr } = await run(Deno.execPath(), {
      args: line.split(" ").slice(1).toSpliced(1, 0, "--check"),
      cwd: project,
    });
    assertEquals(code, 0, stderr);
    assert(isShown(output, stdout), `it prints\n${stdout}`);
  },
);

permittedTest("what the README shows of the demo is what the demo prints", {
  read: true,
}, async () => {
  const readme = await Deno.readTextFile(new URL("README.md", ROOT));
  for (
    const label of [
      "frames  ",
      "verified",
      "handshake",
      "pixels copied  0 bytes",
    ]
  ) {
    assertStringIncludes(readme, label);
  }
  assert(!/_OUTPUT\b/.test(readme), "an output was not filled in");
});

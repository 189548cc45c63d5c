import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import {
  anchorsOf,
  blocksOf,
  commandsOf,
  filesOf,
  isShown,
  linksOf,
} from "../helpers/markdown.ts";
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

/** The README, and all pages below docs/, and the list of examples. */
async function pages(): Promise<URL[]> {
  const found = [new URL("README.md", ROOT)];
  for (const folder of ["docs/", "docs/decisions/", "examples/"]) {
    for await (const { name } of Deno.readDir(new URL(folder, ROOT))) {
      if (name.endsWith(".md")) found.push(new URL(`${folder}${name}`, ROOT));
    }
  }
  return found;
}

permittedTest(
  "every link of the README, of docs/ and of examples/ leads to a file, and to a heading in it",
  { read: true },
  async () => {
    const all = await pages();
    assert(all.length > 30, `${all.length} pages`);
    const broken: string[] = [];
    for (const page of all) {
      for (const { file, anchor } of linksOf(await Deno.readTextFile(page))) {
        const target = file === "" ? page : new URL(file, page);
        const exists = await Deno.stat(target).then(() => true, () => false);
        const found = exists && (anchor === undefined ||
          anchorsOf(await Deno.readTextFile(target)).includes(anchor));
        if (!found) broken.push(`${page.pathname}: ${file}#${anchor ?? ""}`);
      }
    }
    assertEquals(broken, []);
  },
);

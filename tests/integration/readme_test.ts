import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";

const ROOT = new URL("../../", import.meta.url);

/** The README's code blocks that begin with a file's name. */
function filesOf(markdown: string): Map<string, string> {
  const files = new Map<string, string>();
  for (
    const [, name, code] of markdown.matchAll(
      /```ts\n\/\/ (\S+)\n([\s\S]*?)```/g,
    )
  ) {
    files.set(name!, code!);
  }
  return files;
}

permittedTest(
  "the README's host and client run as they stand there, with the permissions that it names",
  {
    run: true,
    read: true,
    write: true,
    env: true,
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
    const command = readme.match(/\$ deno (run .* host\.ts)\n(.*)\n/)!;
    const { code, stdout, stderr } = await soon(
      new Deno.Command(Deno.execPath(), {
        args: [...command[1]!.split(" ").toSpliced(1, 0, "--check")],
        cwd: project,
        stdin: "null",
      }).output(),
      "the README's example",
      60_000,
    );
    const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
    assertEquals(code, 0, text(stderr));
    assertEquals(text(stdout).trim(), command[2]);
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

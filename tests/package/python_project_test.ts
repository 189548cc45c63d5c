import { assert, assertEquals, assertMatch } from "@std/assert";
import { pythonItself } from "../helpers/python_itself.ts";
import { EmptyProject } from "./empty_project.ts";
import { assertRan, packageTest, packOnce } from "./packed.ts";

/** A processor in Python is run from the package, in a project that has nothing but the package and an interpreter. */

packOnce();

const BYTECODE = /^streamlib_bridge\/__pycache__\/_\w+\.cpython-\d+\.pyc$/;

packageTest(
  "from the package a client in Python runs, and only what is documented is kept",
  async () => {
    await using project = await EmptyProject.create();
    await project.providePython(await pythonItself());
    const flags = [
      ...["--no-prompt", "--allow-ffi", "--allow-env", "--allow-run"],
      "--allow-read",
      `--allow-write=${project.home}/.streamlib/lib`,
    ];
    assertRan(await project.deno("run", ...flags, "host.ts"));

    const library = `${project.home}/.streamlib/lib`;
    const kept = await pathsIn(library);
    const folders = [...Deno.readDirSync(library)].map(({ name }) => name);
    for (const name of folders) assertMatch(name, /^[0-9a-f]{64}$/);
    const ours = folders.find((name) => kept.has(`${name}/__main__.py`));
    assert(ours !== undefined, [...kept].join("\n"));
    const bytecode = [...kept].filter((path) => path.endsWith(".pyc"))
      .map((path) => path.replace(`${ours}/`, ""));
    for (const path of bytecode) assertMatch(path, BYTECODE);
    assert(bytecode.some((path) => path.includes("/_runner.")), `${bytecode}`);
    const others = [...await pathsIn(project.home)]
      .filter((path) => !path.startsWith(".streamlib/lib/"));
    assertEquals(others, []);
    const files = await pathsIn(`${project.root}/project`);
    assert(![...files].some((path) => path.includes("__pycache__")));

    // The second client starts from what the first one has left.
    const { ino } = Deno.statSync(`${library}/${ours}`);
    assertRan(await project.deno("run", ...flags, "host.ts"));
    assertEquals(Deno.statSync(`${library}/${ours}`).ino, ino);
    assertEquals(await pathsIn(library), kept);
  },
  { service: true },
);

/** The paths of the files below a folder. */
async function pathsIn(folder: string, below = ""): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = below + name;
    if (!isDirectory) found.add(path);
    else {
      const deeper = await pathsIn(`${folder}/${name}`, `${path}/`);
      for (const each of deeper) found.add(each);
    }
  }
  return found;
}

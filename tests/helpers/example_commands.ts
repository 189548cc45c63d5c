/** The commands of the examples' READMEs, and what they need. */

import { dirname } from "node:path";
import { ROOT } from "../../tools/checkout.ts";
import { pythonWith } from "../../tools/install/python.ts";
import { onlyVariables } from "./child.ts";
import { blocksOf } from "./markdown.ts";

/** The commands of an example's README that run it, in their order: the words after "deno". */
export async function commandsOf(example: string): Promise<string[][]> {
  const page = await Deno.readTextFile(
    new URL(`examples/${example}/README.md`, ROOT),
  );
  return blocksOf(page)
    .filter(({ language }) => language === "sh")
    .flatMap(({ text }) => text.split("\n"))
    .filter((line) => line.startsWith("deno run "))
    .map((line) => line.trim().split(/\s+/).slice(1));
}

/** Installs the Python packages of an example where its README says, unless its user has done so. */
export async function exampleEnvironment(example: string): Promise<void> {
  const folder = new URL(`examples/${example}/`, ROOT);
  const packages = new URL("requirements.txt", folder);
  const python = await pythonWith(packages, new URL("c/out/examples/", ROOT));
  const place = new URL(".venv", folder);
  const found = await Deno.lstat(place).catch(() => undefined);
  if (found?.isDirectory) return;
  if (found !== undefined) await Deno.remove(place); // for older packages
  await Deno.symlink(dirname(dirname(python)), place);
}

/** The variables with which an example runs: its user's, and a home of its own. */
export function exampleVariables(
  home: string,
): ReturnType<typeof onlyVariables> {
  const { PATH = "", HOME = "", DENO_DIR } = Deno.env.toObject();
  return onlyVariables({
    PATH,
    HOME,
    ...(DENO_DIR !== undefined && { DENO_DIR }),
    STREAMLIB_HOME: home,
    NO_COLOR: "1",
  });
}

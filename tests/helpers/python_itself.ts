import { run } from "./child.ts";

/** The path of the real `python3`: the one on the PATH may be a script that starts another. */
export async function pythonItself(): Promise<string> {
  const { stdout } = await run("python3", {
    args: ["-c", "import os, sys; print(os.path.realpath(sys.executable))"],
  });
  return stdout.trim();
}

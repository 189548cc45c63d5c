/**
 * Has another Deno write the package's shim to its file, for a host that may
 * start programs but may not write. That is what the documentation tells to
 * type: a host needs permission to run Deno anyway, for its client.
 *
 * @module
 */

/** The variables that decide where the file is. */
const VARIABLES = ["HOME", "STREAMLIB_HOME", "XDG_CONFIG_HOME"];

/**
 * Runs a function of this package in another Deno, which may write only `cache`.
 *
 * @param module the module whose `embeddedLibrary` writes the file
 * @param cache the directory of the shims
 * @returns whether the file may be there now; false if this process may not start Deno, or is a compiled program
 */
export function writtenByAnotherDeno(module: string, cache: string): boolean {
  if (Deno.build.standalone) return false;
  const command = Deno.execPath();
  const query = { name: "run", command } as const;
  if (Deno.permissions.querySync(query).state !== "granted") return false;
  const path = cache.replaceAll(",", ",,"); // Deno reads `,,` as a comma
  const code = `import { embeddedLibrary } from ${JSON.stringify(module)};\n` +
    "embeddedLibrary();\n";
  try {
    return new Deno.Command(command, {
      args: [
        ...["run", "--quiet", "--no-prompt", "--no-config", "--no-lock"],
        "--cached-only",
        `--allow-env=${VARIABLES.join(",")}`,
        `--allow-read=${path}`,
        `--allow-write=${path}`,
        `data:application/typescript,${encodeURIComponent(code)}`,
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync().success;
  } catch {
    return false;
  }
}

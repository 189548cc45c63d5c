/**
 * Code that Deno runs in the project of another module.
 *
 * @module
 */

/** The start of the URL of JavaScript code. */
export const JAVASCRIPT_URL = "data:application/javascript,";

/**
 * A file name in the folder of the module, as the main module. There is no such
 * file: the code ends before Deno would load it. From its folder Deno finds the
 * project.
 */
const MAIN_NAME = "streamlib_client.ts";

/**
 * Returns the modules of Deno's command line that run `code`. The code is loaded
 * before the main module, and must end the process. So Deno takes `deno.json`,
 * `package.json` and `node_modules` from the folder of `module`, as it does for a
 * program in that folder. A module that is not a local file has no project.
 *
 * The code should be the same in every run, and JavaScript: Deno keeps what it
 * compiles, by the text of a `data:` URL, for ever. Its imports of literals need no
 * permission to read.
 */
export function modulesBeside(module: URL, code: string): string[] {
  const url = JAVASCRIPT_URL + encodeURIComponent(code);
  return module.protocol === "file:"
    ? ["--preload", url, new URL(MAIN_NAME, new URL(".", module)).href]
    : [url];
}

/**
 * `streamlib run` as a user types it: a shell in which `streamlib` is a command, and
 * a home that does not exist and must not.
 */

import { assertEquals } from "@std/assert";
import { Program } from "./checkout.ts";
import { type Ended, onlyVariables, run } from "./child.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const FIXTURES = `${ROOT}tests/fixtures/`;

/** Deno's cache, so that no program is compiled again for each test. */
function cacheOfDeno(): string {
  const home = Deno.env.get("HOME") ?? "/nonexistent";
  const caches = Deno.env.get("XDG_CACHE_HOME") ?? `${home}/.cache`;
  return Deno.env.get("DENO_DIR") ?? `${caches}/deno`;
}

/** A shell with `streamlib`. */
export class RunStage implements AsyncDisposable {
  /** A folder of the test's own. */
  readonly folder: string;
  readonly #variables: Record<string, string>;

  private constructor(folder: string) {
    this.folder = folder;
    this.#variables = {
      PATH: `${folder}/bin:/usr/local/bin:/usr/bin:/bin`,
      FOLDER: folder,
      DENO: `${Deno.execPath()} run -A -q --no-check`,
      HOST: `${FIXTURES}exchanging_host.ts`,
      STREAMLIB_HOME: `${folder}/home`,
      DENO_DIR: cacheOfDeno(),
      NO_COLOR: "1",
    };
  }

  /** Makes it. */
  static async make(): Promise<RunStage> {
    const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "slr" });
    const stage = new RunStage(await Deno.realPath(folder));
    await Deno.mkdir(`${stage.folder}/bin`);
    await Deno.writeTextFile(
      `${stage.folder}/bin/streamlib`,
      `#!/bin/sh\nexec '${Deno.execPath()}' run -q --no-prompt --no-check --config '${ROOT}deno.json' -P=cli '${ROOT}cli/main.ts' "$@"\n`,
      { mode: 0o755 },
    );
    return stage;
  }

  /** Runs a command line of a shell to its end. */
  async sh(line: string, input = ""): Promise<Ended> {
    return await run("sh", {
      args: ["-c", line],
      input,
      ...onlyVariables(this.#variables),
    });
  }

  /** Starts a command line of a shell, which is replaced by its one program. */
  start(line: string): Program {
    return new Program(
      new Deno.Command("sh", {
        args: ["-c", `exec ${line}`],
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
        ...onlyVariables(this.#variables),
      }).spawn(),
    );
  }

  /** Asserts that nothing was put into the home, and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    const left = [...Deno.readDirSync(this.folder)].map(({ name }) => name);
    await Deno.remove(this.folder, { recursive: true });
    assertEquals(left.includes("home"), false);
  }
}

/**
 * Lines of a shell around others: before them a host has exchanged a frame with its
 * client, and after them both have ended.
 *
 * @param name the name of the host's processor
 */
export function besideHost(name: string, lines: string): string {
  return `
mkfifo "$FOLDER/${name}.in"
$DENO "$HOST" ${name} <"$FOLDER/${name}.in" >"$FOLDER/${name}.out" &
exec 3>"$FOLDER/${name}.in"
until grep -qs 'exchanged\\|error' "$FOLDER/${name}.out"; do sleep 0.05; done
head -n 1 "$FOLDER/${name}.out"
${lines}
exec 3>&-
wait`;
}

/**
 * A Mac as it looks to an installer. Its launchctl is a script, which loads property
 * lists and starts nothing.
 */

import type { Names } from "../../proto/names.ts";
import { folderForHomes } from "./home.ts";
import { namesOf } from "./service.ts";

const SCRIPT = new URL("../fixtures/launchctl.sh", import.meta.url);

/** A Mac as it looks to an installer: a home, and a launchctl on the PATH of this process. */
export class Mac implements AsyncDisposable {
  readonly root: string = folderForHomes();
  readonly home: string;
  readonly names: Names;
  readonly #path = Deno.env.get("PATH")!;

  /** @param user the last part of its home's path */
  constructor(user = 'Ada & "S" <1>') {
    this.home = `${this.root}/${user}`;
    this.names = namesOf(this.home, "darwin");
    Deno.copyFileSync(SCRIPT, `${this.root}/launchctl`);
    Deno.chmodSync(`${this.root}/launchctl`, 0o755);
    Deno.env.set("PATH", `${this.root}:${this.#path}`);
    Deno.env.set("FAKE_LAUNCHD", this.root);
  }

  /** Sets one of the script's notes. */
  note(name: "session" | "disabled" | "no-screen", text: string): void {
    Deno.writeTextFileSync(`${this.root}/${name}`, `${text}\n`);
  }

  /** Loads a job, whatever is loaded. */
  load(domain: string, label: string): void {
    const job = `job.${domain.replace("/", ".")}.${label}`;
    Deno.writeTextFileSync(`${this.root}/${job}`, "");
  }

  /** The commands that change something. */
  async told(): Promise<string[]> {
    const calls = await Deno.readTextFile(`${this.root}/calls`);
    return calls.split("\n").filter((line) =>
      line !== "" && !/^(print|print-disabled|managername)\b/.test(line)
    );
  }

  /** The jobs that are loaded, or that are still ending. */
  async jobs(): Promise<string[]> {
    const entries = await Array.fromAsync(Deno.readDir(this.root));
    return entries.map(({ name }) => name)
      .filter((name) => name.startsWith("job.")).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    Deno.env.set("PATH", this.#path);
    Deno.env.delete("FAKE_LAUNCHD");
    await Deno.remove(this.root, { recursive: true });
  }
}

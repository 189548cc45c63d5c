/**
 * Programs in the place of a Python interpreter or of uv, for tests of how they are
 * found and started.
 */

/** A folder for fake programs, which is removed with its scope. */
export class FakePrograms implements Disposable {
  readonly folder: string = Deno.realPathSync(
    Deno.makeTempDirSync({ prefix: "slp" }),
  );

  /** Writes a file with its folders. Returns its path. */
  write(name: string, text: string, mode = 0o644): string {
    const path = `${this.folder}/${name}`;
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(path, text);
    Deno.chmodSync(path, mode);
    return path;
  }

  /** Writes a script that runs these lines of sh. */
  script(name: string, ...lines: string[]): string {
    return this.write(name, ["#!/bin/sh", ...lines, ""].join("\n"), 0o755);
  }

  /**
   * Writes an interpreter. Asked for its executable it names itself. As a client it
   * runs these lines; `$5` is the module, `$6` the client's name.
   */
  python(name: string, ...lines: string[]): string {
    return this.script(
      name,
      'if [ "$1" = -I ]; then echo asked >> "$0.asked"; echo "$0"; exit; fi',
      ...lines,
    );
  }

  /** How often an interpreter was asked. */
  asked(path: string): number {
    try {
      return Deno.readTextFileSync(`${path}.asked`).trim().split("\n").length;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return 0;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/**
 * The files of an invented user of a Mac: checkouts and Denos in folders of the home.
 */

import type { BrokerParts } from "../../launchd/kept_copy.ts";
import type { Names } from "../../proto/names.ts";
import { copyTree } from "./checkout.ts";
import { folderForHomes } from "./home.ts";
import { namesOf } from "./service.ts";

const ROOT = new URL("../../", import.meta.url);
const SHIM = "c/out/libstreamlib_bridge.dylib";

/** A home, removed with its scope. */
export class MacFiles implements Disposable {
  readonly home: string;
  readonly names: Names;

  /** @param home an existing folder; by default a new one */
  constructor(home: string = folderForHomes()) {
    this.home = Deno.realPathSync(home);
    this.names = namesOf(this.home, "darwin");
  }

  /** The names with more environment variables. */
  namesWith(more: Readonly<Record<string, string>>): Names {
    return namesOf(this.home, "darwin", more);
  }

  /** Writes a small checkout into a folder of the home. Returns its path. */
  checkout(folder: string): string {
    const root = `${this.home}/${folder}/streamlib`;
    for (
      const file of [
        "broker/main.ts",
        "deno.json",
        "docs/left_out.md",
        "ffi/deeper/native.ts",
        "proto/names.ts",
        SHIM,
      ]
    ) {
      Deno.mkdirSync(`${root}/${file}`.replace(/\/[^/]*$/, ""), {
        recursive: true,
      });
      Deno.writeTextFileSync(`${root}/${file}`, file);
    }
    return root;
  }

  /** Copies what a broker needs of this checkout into a folder of the home. Returns its path. */
  async realCheckout(folder: string): Promise<string> {
    const root = this.checkout(folder);
    for (
      const part of ["broker", "deno.json", "deno.lock", "ffi", "proto", ".std"]
    ) {
      try {
        await copyTree(new URL(part, ROOT), new URL(`file://${root}/${part}`));
      } catch (error) {
        // If JSR can be reached, there are no stand-ins.
        if (!(error instanceof Deno.errors.NotFound) || part !== ".std") {
          throw error;
        }
      }
    }
    await Deno.copyFile(
      new URL("c/out/build_stamp.json", ROOT),
      `${root}/c/out/build_stamp.json`,
    );
    return root;
  }

  /** Writes a program into a folder of the home. Returns its path. */
  deno(folder: string): string {
    const path = `${this.home}/${folder}/deno`;
    Deno.mkdirSync(`${this.home}/${folder}`, { recursive: true });
    Deno.writeTextFileSync(path, "a Deno");
    Deno.chmodSync(path, 0o755);
    return path;
  }

  /** The parts of a broker of a checkout. */
  parts(checkout: string, runtime: string): BrokerParts {
    return {
      runtime,
      module: `file://${checkout}/broker/main.ts`,
      library: `${checkout}/${SHIM}`,
    };
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.home, { recursive: true });
  }
}

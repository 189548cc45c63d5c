/**
 * iceoryx2, a library in Rust for shared memory between processes, with both
 * processes asking without a pause. Built by Cargo where there is one: the crate in
 * `iceoryx2/` pins all versions.
 */

import { fileURLToPath } from "node:url";
import { OUT } from "../../../tools/c/compile.ts";
import { describeEnd, runToEnd } from "../../../tools/programs.ts";
import { runRound } from "../controls.ts";
import {
  type Extent,
  NotHere,
  stateless,
  type SubjectPlan,
} from "../harness/subject.ts";

const MANIFEST = new URL("iceoryx2/Cargo.toml", import.meta.url);
const TARGET = new URL("iceoryx2/", OUT);
/** It downloads and compiles some ninety crates. */
const BUILD_LIMIT_MS = 1_200_000;
/** The exit status of Cargo if a download or a compilation failed. */
const CARGO_FAILED = 101;

/** Builds the peer, and returns its path. Without a Cargo, or if Cargo cannot download or compile it, returns why. */
async function build(): Promise<string | NotHere> {
  try {
    const ended = await runToEnd("cargo", {
      args: [
        "build",
        "--release",
        "--locked",
        "--quiet",
        "--manifest-path",
        fileURLToPath(MANIFEST),
        "--target-dir",
        fileURLToPath(TARGET),
      ],
      limitMs: BUILD_LIMIT_MS,
    });
    if (ended.code === 0) {
      return fileURLToPath(new URL("release/iceoryx2-peer", TARGET));
    }
    const why = ended.stderr.trim().split("\n")[0] ?? "";
    if (ended.code === CARGO_FAILED) {
      return new NotHere(`cargo cannot build iceoryx2: ${why}`);
    }
    throw new Error(`cargo: ${describeEnd(ended, BUILD_LIMIT_MS)}: ${why}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return new NotHere("no cargo on the PATH");
  }
}

/** Round trips by publishers and subscribers of two services. */
export function iceoryx2(
  count: Readonly<Record<Extent, number>>,
): SubjectPlan {
  return {
    name: "iceoryx2, busy",
    unit: "us",
    extent: "full",
    start: async (extent) => {
      const program = await build();
      if (program instanceof NotHere) return program;
      return stateless(async () => {
        const round = await runRound(program, [String(count[extent])]);
        if (round instanceof NotHere) throw new Error(round.reason);
        return round;
      });
    },
  };
}

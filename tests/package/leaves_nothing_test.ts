import { assert, assertEquals } from "@std/assert";
import {
  BARE_SETUPS,
  type BareSetup,
  leavesNoFile,
  noReadOnlyRoot,
} from "../helpers/bare_setups.ts";
import { EmptyProject } from "./empty_project.ts";
import { assertRan, packageTest, packOnce, publish } from "./packed.ts";

/** A host and its client, from the package, leave nothing but Deno's cache. */

packOnce();

const READ_ONLY_LACKS = await noReadOnlyRoot();
const SERVING = { service: true } as const;

/** Runs a project that has downloaded the package, in each set-up. */
async function runIn(setups: readonly BareSetup[]): Promise<void> {
  const registry = await publish();
  await using project = await EmptyProject.create(registry.url);
  try {
    const { code, stderr } = await project.download();
    assertEquals(code, 0, stderr);
  } finally {
    await registry[Symbol.asyncDispose]();
  }
  const lock = await project.read("deno.lock");
  assert(lock.includes("@streamlib/bridge"), lock);
  const { root } = project;
  for (const setup of setups) {
    const ended = await leavesNoFile(
      setup,
      { root, denoDir: `${root}/deno` },
      `${root}/project`,
      { JSR_URL: registry.url },
      [
        "run",
        "--quiet",
        "--no-prompt",
        "--allow-ffi",
        "--allow-env",
        `--allow-run=${Deno.execPath()}`,
        `--allow-read=${root}/project`,
        "host.ts",
      ],
    );
    assertRan({ ...ended, stderr: `${setup.name}: ${ended.stderr}` });
  }
}

packageTest(
  "from the package, a host and its client leave nothing, wherever nothing can be kept",
  () => runIn(BARE_SETUPS.filter(({ readOnly }) => !readOnly)),
  SERVING,
);

packageTest(
  "from the package, a host and its client leave nothing where everything is mounted read-only",
  () => runIn(BARE_SETUPS.filter(({ readOnly }) => readOnly)),
  { ...SERVING, lacking: READ_ONLY_LACKS },
);

/**
 * `deno task lint:proto [REVISION]`: runs `buf lint` on `proto/broker.proto`, and
 * `buf breaking` against the file of a git revision. If the revision has no such
 * file, nothing is compared.
 *
 * buf requires that the package streamlib.broker is in a folder of that name, so
 * it runs on copies in such a folder.
 */

import { type Ended, runToEnd } from "../programs.ts";

/** The limit for one run of a program; the first one downloads buf. */
const LIMIT_MS = 600_000;
const BUF = "npm:@bufbuild/buf@1.74.0/buf";
const root = new URL("../../", import.meta.url);

function run(program: string, args: string[]): Promise<Ended> {
  return runToEnd(program, { args, cwd: root, limitMs: LIMIT_MS });
}

function write(to: { writeSync(bytes: Uint8Array): number }, text: string) {
  to.writeSync(new TextEncoder().encode(text));
}

/** Makes a module for buf in a new folder below `base`. */
async function makeModule(
  base: string,
  name: string,
  proto: string,
): Promise<string> {
  const folder = `${base}/${name}/streamlib/broker`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/broker.proto`, proto);
  await Deno.copyFile(
    new URL("proto/buf.yaml", root),
    `${base}/${name}/buf.yaml`,
  );
  return `${base}/${name}`;
}

async function buf(...args: string[]): Promise<void> {
  const options = ["--quiet", "--no-lock", "--allow-all"];
  const { code, stdout, stderr } = await run(
    Deno.execPath(),
    ["run", ...options, BUF, ...args],
  );
  write(Deno.stdout, stdout);
  write(Deno.stderr, stderr);
  if (code !== 0) Deno.exitCode = 1;
}

const [revision] = Deno.args;
const base = await Deno.makeTempDir();
try {
  const proto = await Deno.readTextFile(new URL("proto/broker.proto", root));
  const current = await makeModule(base, "current", proto);
  await buf("lint", current);
  if (revision !== undefined) {
    const landed = await run("git", ["show", `${revision}:proto/broker.proto`]);
    if (landed.code === 0) {
      const before = await makeModule(base, "landed", landed.stdout);
      await buf("breaking", current, "--against", before);
    }
  }
} finally {
  await Deno.remove(base, { recursive: true });
}

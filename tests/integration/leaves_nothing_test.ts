import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import {
  BARE_SETUPS,
  type BareSetup,
  leavesNoFile,
  noReadOnlyRoot,
  SAMPLED_SETUPS,
} from "../helpers/bare_setups.ts";
import { type Ended, run } from "../helpers/child.ts";
import { HOST_NEEDS, type Needs, permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";

/** A host and its client, from this checkout, leave nothing but Deno's cache. */

const ROOT = new URL("../../", import.meta.url);
const PROJECT = new URL("../package/project/", import.meta.url);
const READ_ONLY_LACKS = await noReadOnlyRoot();

const EMPTY_LOCK = '{ "version": "5" }\n';
const FRAMES = "255,254,253,252,251\n";

/** A project like that of the package's tests, with the checkout in place of the package. */
class Project implements AsyncDisposable {
  private constructor(readonly root: string) {}

  get folder(): string {
    return `${this.root}/project`;
  }

  get denoDir(): string {
    return `${this.root}/deno`;
  }

  /** Makes it, with a complete lock file, and nothing left to download. */
  static async create(
    change: (text: string, name: string) => string = (text) => text,
  ): Promise<Project> {
    const root = await Deno.makeTempDir({ dir: "/tmp", prefix: "sl" });
    const project = new Project(await Deno.realPath(root));
    const { folder, denoDir } = project;
    for (const each of [folder, denoDir]) await Deno.mkdir(each);
    for (const name of ["host.ts", "invert.ts"]) {
      const text = await Deno.readTextFile(new URL(name, PROJECT));
      await Deno.writeTextFile(`${folder}/${name}`, change(text, name));
    }
    const imports = Object.fromEntries(
      ["host", "client"].map((side) => [
        `@streamlib/bridge/${side}`,
        new URL(`${side}/mod.ts`, ROOT).href,
      ]),
    );
    const config = JSON.stringify({ imports });
    await Deno.writeTextFile(`${folder}/deno.json`, config);
    await Deno.writeTextFile(`${folder}/deno.lock`, EMPTY_LOCK);
    const { code, stderr } = await run(Deno.execPath(), {
      args: [
        "cache",
        "--quiet",
        "--allow-import",
        "host.ts",
        "invert.ts",
      ],
      cwd: folder,
      env: { DENO_DIR: denoDir },
    });
    assertEquals(code, 0, stderr);
    return project;
  }

  /** Runs its host in a set-up, which must leave nothing. */
  async run(
    setup: BareSetup,
    variables: Readonly<Record<string, string>> = {},
  ): Promise<Ended> {
    const built = fileURLToPath(new URL("c/out", ROOT));
    return await leavesNoFile(setup, this, this.folder, variables, [
      "run",
      "--quiet",
      "--no-prompt",
      "--allow-ffi",
      "--allow-env",
      "--allow-run",
      `--allow-read=${this.folder},${built}`,
      "host.ts",
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

for (const setup of BARE_SETUPS) {
  const sampled = SAMPLED_SETUPS.includes(setup);
  const needs: Needs = {
    ...HOST_NEEDS,
    lacking: setup.readOnly ? READ_ONLY_LACKS : undefined,
  };
  permittedTest(
    `a host and its client leave nothing: ${setup.name}`,
    sampled ? needs : { ...needs, exhaustive: true },
    async () => {
      await using project = await Project.create();
      const { code, stdout, stderr } = await project.run(setup);
      assertEquals([code, stdout], [0, FRAMES], stderr);
    },
  );
}

permittedTest(
  "where no file can be written, the project's own lock file binds the client",
  { ...HOST_NEEDS, net: true, exhaustive: true, lacking: READ_ONLY_LACKS },
  async () => {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () =>
        new Response("export {};\n", {
          headers: { "content-type": "application/typescript" },
        }),
    );
    try {
      const address = `127.0.0.1:${server.addr.port}`;
      await using project = await Project.create((text, name) =>
        name === "host.ts"
          ? text.replace(
            "launch({",
            `launch({ permissions: { import: ["${address}"] },`,
          )
          : `import "http://${address}/part.ts";\n${text}`
      );
      const setup = BARE_SETUPS.find(({ readOnly }) => readOnly)!;
      // Not about the broker.
      const variables = { STREAMLIB_HOME: `${project.denoDir}/home` };
      const whole = await project.run(setup, variables);
      assertEquals([whole.code, whole.stdout], [0, FRAMES], whole.stderr);
      await Deno.writeTextFile(`${project.folder}/deno.lock`, EMPTY_LOCK);
      const { code, stderr } = await project.run(setup, variables);
      assertEquals(code, 1);
      assertStringIncludes(stderr, "lockfile is out of date");
    } finally {
      await soon(server.shutdown(), "the server's end");
    }
  },
);

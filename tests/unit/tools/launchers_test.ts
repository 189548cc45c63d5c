import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ROOT } from "../../../tools/checkout.ts";
import { writeLaunchers } from "../../../tools/launchers.ts";
import { run } from "../../helpers/child.ts";
import { permittedTest } from "../../helpers/permitted.ts";

const NEEDS = { read: true, write: true, run: true, env: true } as const;

/** Programs that print how they were started. */
const PROGRAM = `console.log(JSON.stringify({
  args: Deno.args,
  cwd: Deno.cwd(),
  dev: Deno.env.get("STREAMLIB_DEV_MODE"),
  module: import.meta.url,
}));
`;

/** Calls `body` with a folder like a checkout, with blanks and quotes in its path. */
async function inCheckout(
  body: (checkout: string, other: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const checkout = `${folder}/my "check" out's`;
  try {
    for (const name of ["cli", "broker"]) {
      await Deno.mkdir(`${checkout}/${name}`, { recursive: true });
      await Deno.writeTextFile(`${checkout}/${name}/main.ts`, PROGRAM);
    }
    const set = { env: true, read: true };
    await Deno.writeTextFile(
      `${checkout}/deno.json`,
      JSON.stringify({ permissions: { cli: set, broker: set } }),
    );
    await Deno.mkdir(`${folder}/other`);
    await body(checkout, `${folder}/other`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function urlOf(path: string): URL {
  return new URL(`file://${encodeURI(path)}/`);
}

permittedTest(
  "launchers run their checkout from any folder, by path, link and PATH",
  NEEDS,
  async () => {
    await inCheckout(async (checkout, other) => {
      await writeLaunchers(urlOf(checkout));
      const bin = `${checkout}/.streamlib/bin`;
      await Deno.symlink(`${bin}/streamlib`, `${other}/absolute`);
      await Deno.symlink("absolute", `${other}/relative`);
      const env = {
        PATH: `${bin}:/usr/bin:/bin`,
        STREAMLIB_DEV_MODE: "",
      };
      for (
        const [program, folder] of [
          [`${bin}/streamlib`, "cli"],
          [`${bin}/streamlib-broker`, "broker"],
          [`${other}/absolute`, "cli"],
          [`${other}/relative`, "cli"],
          ["streamlib", "cli"],
          ["./relative", "cli"],
        ] as const
      ) {
        const { code, stdout, stderr } = await run("/bin/sh", {
          args: ["-c", '"$0" "$@"', program, "a b", "--json", ""],
          cwd: other,
          env,
        });
        assertEquals(code, 0, `${program}: ${stderr}`);
        const { module, ...found } = JSON.parse(stdout);
        assertEquals(found, {
          args: ["a b", "--json", ""],
          cwd: other,
          dev: "1",
        });
        assertStringIncludes(module, `/${folder}/main.ts`);
      }
      const chosen = await run(`${bin}/streamlib`, {
        args: [],
        env: { ...env, STREAMLIB_DEV_MODE: "0" },
      });
      assertEquals(JSON.parse(chosen.stdout).dev, "0");
    });
  },
);

permittedTest(
  "a launcher whose Deno is gone takes the one on the PATH, or says so",
  NEEDS,
  async () => {
    await inCheckout(async (checkout, other) => {
      const gone = '/gone/"deno"';
      await writeLaunchers(urlOf(checkout), gone);
      const program = `${checkout}/.streamlib/bin/streamlib`;
      const start = (path: string): ReturnType<typeof run> =>
        run(program, { args: ["x"], env: { PATH: `${path}:/usr/bin:/bin` } });
      const missing = await start("/none");
      // Some machines have a deno in these folders.
      if (missing.code !== 0) {
        assertEquals(missing.code, 127);
        assertStringIncludes(missing.stderr, `neither ${gone} nor deno`);
        assertStringIncludes(missing.stderr, "deno task build");
      }
      await Deno.symlink(Deno.execPath(), `${other}/deno`);
      const found = await start(other);
      assertEquals(JSON.parse(found.stdout).args, ["x"], found.stderr);
    });
  },
);

permittedTest(
  "launchers that are right are left alone, others replaced",
  { read: true, write: true, run: true, env: true },
  async () => {
    await inCheckout(async (checkout) => {
      const file = `${checkout}/.streamlib/bin/streamlib`;
      await writeLaunchers(urlOf(checkout));
      const { ino, mode } = await Deno.stat(file);
      assertEquals(mode! & 0o111, 0o111);
      await writeLaunchers(urlOf(checkout));
      assertEquals((await Deno.stat(file)).ino, ino);
      await writeLaunchers(urlOf(checkout), "/another/deno");
      assert((await Deno.readTextFile(file)).includes("/another/deno"));
      const names = [...Deno.readDirSync(`${checkout}/.streamlib/bin`)]
        .map(({ name }) => name).sort();
      assertEquals(names, ["streamlib", "streamlib-broker"]);
    });
  },
);

permittedTest(
  "this checkout's launchers start their programs",
  NEEDS,
  async () => {
    const bin = new URL(".streamlib/bin/", ROOT);
    for (
      const [name, words] of [
        ["streamlib", "Usage: streamlib"],
        ["streamlib-broker", "Usage: deno task broker"],
      ] as const
    ) {
      const { code, stdout, stderr } = await run(new URL(name, bin).pathname, {
        args: ["--help"],
        cwd: "/",
      });
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, words);
    }
  },
);

import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import {
  keepFiles,
  type KeptContent,
} from "../../../../host/spawn/kept_files.ts";
import { effectiveUser } from "../../../../ffi/user_id.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import { permittedTest } from "../../../helpers/permitted.ts";

const NEEDS = { read: true, write: true } as const;
const encode = (text: string) => new TextEncoder().encode(text);

const CONTENT: KeptContent = {
  sha256: "ab12",
  files: new Map([
    ["__main__.py", encode("main")],
    ["package/__init__.py", encode("init")],
    ["package/deep/one.py", encode("one")],
  ]),
};

/** A home that is removed with its scope. */
class Home implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "slk" });
  readonly folder = `${this.path}/lib/ab12`;

  keep(user = effectiveUser()): Promise<string> {
    return keepFiles({ home: () => this.path, user: () => user }, CONTENT);
  }

  /** What is in the library's folder: each path with its mode and text. */
  entries(below = "lib"): string[] {
    return [...Deno.readDirSync(`${this.path}/${below}`)].flatMap(
      ({ name, isDirectory }) => {
        const path = `${below}/${name}`;
        const mode = (Deno.lstatSync(`${this.path}/${path}`).mode! & 0o777)
          .toString(8);
        return isDirectory ? [`${mode} ${path}/`, ...this.entries(path)] : [
          `${mode} ${path} ${Deno.readTextFileSync(`${this.path}/${path}`)}`,
        ];
      },
    ).sort();
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

const WHOLE = [
  "600 lib/ab12/__main__.py main",
  "600 lib/ab12/package/__init__.py init",
  "600 lib/ab12/package/deep/one.py one",
  "700 lib/ab12/",
  "700 lib/ab12/package/",
  "700 lib/ab12/package/deep/",
];

permittedTest(
  "kept files: written for this user alone, and once",
  NEEDS,
  async () => {
    using home = new Home();
    assertEquals(await home.keep(), home.folder);
    assertEquals(home.entries(), WHOLE);
    const { ino } = Deno.statSync(home.folder);
    assertEquals(await home.keep(), home.folder);
    assertEquals(Deno.statSync(home.folder).ino, ino);
  },
);

permittedTest(
  "kept files: a program can be executed, and is mended if it cannot",
  NEEDS,
  async () => {
    using home = new Home();
    const keep = () =>
      keepFiles(
        { home: () => home.path, user: () => effectiveUser() },
        { ...CONTENT, executable: true },
      );
    const whole = WHOLE.map((each) => each.replace("600 ", "700 ")).sort();
    await keep();
    assertEquals(home.entries(), whole);
    Deno.chmodSync(`${home.folder}/__main__.py`, 0o600);
    await keep();
    assertEquals(home.entries(), whole);
  },
);

permittedTest(
  "kept files: a folder that is not what it should be is replaced",
  NEEDS,
  async () => {
    const harms: Readonly<Record<string, (folder: string) => void>> = {
      "another text": (folder) =>
        Deno.writeTextFileSync(`${folder}/package/__init__.py`, "evil"),
      "a text of another length": (folder) =>
        Deno.writeTextFileSync(`${folder}/__main__.py`, "main\n"),
      "a missing file": (folder) =>
        Deno.removeSync(`${folder}/package/deep/one.py`),
      "a file too many": (folder) =>
        Deno.writeTextFileSync(`${folder}/json.py`, "evil"),
      "bytecode": (folder) => {
        Deno.mkdirSync(`${folder}/__pycache__`);
        Deno.writeTextFileSync(`${folder}/__pycache__/one.pyc`, "evil");
      },
      "a link": (folder) => {
        Deno.removeSync(`${folder}/__main__.py`);
        Deno.symlinkSync("/etc/hostname", `${folder}/__main__.py`);
      },
      "a file that others can write": (folder) =>
        Deno.chmodSync(`${folder}/__main__.py`, 0o622),
      "a folder that others can write": (folder) =>
        Deno.chmodSync(`${folder}/package`, 0o777),
      "a file in its place": (folder) => {
        Deno.removeSync(folder, { recursive: true });
        Deno.writeTextFileSync(folder, "");
      },
    };
    for (const [name, harm] of Object.entries(harms)) {
      using home = new Home();
      await home.keep();
      harm(home.folder);
      assertNotEquals(home.entries(), WHOLE, name);
      await home.keep();
      assertEquals(home.entries(), WHOLE, name);
    }
  },
);

permittedTest(
  "kept files: what programs put into the cache stays, and only there",
  NEEDS,
  async () => {
    using home = new Home();
    const cache = "package/cache";
    const keep = () =>
      keepFiles(
        { home: () => home.path, user: effectiveUser },
        { ...CONTENT, cache },
      );
    const whole = [...WHOLE, `700 lib/ab12/${cache}/`].sort();
    await keep();
    assertEquals(home.entries(), whole);
    const made = `lib/ab12/${cache}/one.pyc`;
    Deno.writeTextFileSync(`${home.path}/${made}`, "code", { mode: 0o600 });
    await keep();
    assertEquals(home.entries(), [...whole, `600 ${made} code`].sort());
    Deno.chmodSync(`${home.folder}/${cache}`, 0o770); // others can write there
    await keep();
    assertEquals(home.entries(), whole);
    Deno.mkdirSync(`${home.folder}/cache`);
    Deno.writeTextFileSync(`${home.folder}/cache/one.pyc`, "evil");
    await keep();
    assertEquals(home.entries(), whole);
  },
);

permittedTest(
  "kept files: many who make or mend the same folder end with one whole folder",
  NEEDS,
  async () => {
    using home = new Home();
    await Promise.all(Array.from({ length: 12 }, () => home.keep()));
    assertEquals(home.entries(), WHOLE);
    Deno.writeTextFileSync(`${home.folder}/__main__.py`, "evil");
    await Promise.all(Array.from({ length: 4 }, () => home.keep()));
    assertEquals(home.entries(), WHOLE);
  },
);

permittedTest(
  "kept files: where others can write, or another user owns, nothing is used",
  NEEDS,
  async () => {
    using home = new Home();
    const refused = async (says: string, user?: number): Promise<void> => {
      const error = await assertRejects(
        () => home.keep(user),
        BridgeError,
        says,
      );
      assertEquals(error.code, "not_permitted");
    };
    await home.keep();
    // Only root can give a directory away. Who is not root takes it for another user's.
    if (effectiveUser() === 0) {
      Deno.chownSync(`${home.path}/lib`, 12_345, null);
      await refused("it belongs to another user (12345)");
      Deno.chownSync(`${home.path}/lib`, 0, null);
    } else await refused("it belongs to another user", effectiveUser() + 1);
    Deno.chmodSync(`${home.path}/lib`, 0o722);
    await refused(`in ${home.path}/lib: other users can write there`);
    Deno.chmodSync(`${home.path}/lib`, 0o700);
    Deno.chmodSync(home.path, 0o777);
    await refused(`in ${home.path}: other users can write there`);
    Deno.chmodSync(home.path, 0o1777); // as /tmp: nobody can replace what is ours
    await home.keep();
  },
);

permittedTest(
  "kept files: if they cannot be written, the error says where and why",
  NEEDS,
  async () => {
    using home = new Home();
    Deno.writeTextFileSync(`${home.path}/file`, "");
    const error = await assertRejects(
      () =>
        keepFiles(
          { home: () => `${home.path}/file`, user: effectiveUser },
          CONTENT,
        ),
      BridgeError,
      `Cannot write the files with which a client starts to ${home.path}/file/lib: `,
    );
    assertEquals(error.code, "native_failure");
  },
);

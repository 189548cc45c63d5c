import { assertEquals, assertRejects } from "@std/assert";
import { madeOnce } from "../../../../tools/install/made_once.ts";
import { permittedTest } from "../../../helpers/permitted.ts";

const NEEDS = { read: true, write: true } as const;

async function inFolder(
  body: (parent: string) => Promise<void>,
): Promise<void> {
  const parent = await Deno.makeTempDir();
  try {
    await body(parent);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

function names(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name);
}

permittedTest(
  "a folder is made once, and nothing else is left",
  NEEDS,
  () =>
    inFolder(async (parent) => {
      const folder = new URL(`file://${parent}/made/`);
      let calls = 0;
      const make = async (result: string, scratch: string) => {
        calls++;
        await Deno.writeTextFile(`${scratch}/other`, "");
        await Deno.mkdir(result);
        await Deno.writeTextFile(`${result}/file`, String(calls));
      };
      await madeOnce(folder, make);
      await madeOnce(folder, make);
      assertEquals([calls, names(parent), names(`${parent}/made`)], [1, [
        "made",
      ], ["file"]]);
    }),
);

permittedTest(
  "of two that make a folder at once, the first stays",
  NEEDS,
  () =>
    inFolder(async (parent) => {
      const folder = new URL(`file://${parent}/made/`);
      const first = Promise.withResolvers<void>();
      const make =
        (text: string, after?: Promise<void>) => async (result: string) => {
          await Deno.mkdir(result);
          await Deno.writeTextFile(`${result}/file`, text);
          await after;
        };
      const late = madeOnce(folder, make("late", first.promise));
      await madeOnce(folder, make("first"));
      first.resolve();
      await late;
      assertEquals(names(parent), ["made"]);
      assertEquals(await Deno.readTextFile(`${parent}/made/file`), "first");
    }),
);

permittedTest(
  "a folder that cannot be made leaves nothing",
  NEEDS,
  () =>
    inFolder(async (parent) => {
      const folder = new URL(`file://${parent}/made/`);
      await assertRejects(
        () =>
          madeOnce(folder, async (result) => {
            await Deno.mkdir(result);
            throw new Error("no network");
          }),
        Error,
        "no network",
      );
      assertEquals(names(parent), []);
    }),
);

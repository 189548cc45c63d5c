import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { cliStage, populate, startBroker } from "../helpers/cli_stage.ts";
import { GRPC_NEEDS } from "../helpers/grpc_fixture.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { lapse, soon, until } from "../helpers/soon.ts";

const NEEDS = { ...GRPC_NEEDS, service: true } as const;

permittedTest(
  "cli: logs shows the end of a runtime's file, and follows it over rotation and truncation",
  NEEDS,
  async () => {
    await using stage = await cliStage();
    await populate(stage);
    const path = `${stage.directory}/studio.log`;
    const append = (text: string): void =>
      Deno.writeTextFileSync(path, text, { append: true });
    append("2026-01-01T00:00:00Z old\nmore of old\n2026-01-02T03:04:00Z new\n");
    append("\x1b[2Jevil\nunfinished");
    const once = async (line: string): Promise<string[]> => {
      const console = await stage.console();
      assertEquals(await console.run(line), 0, console.err.text);
      return console.out.text.trimEnd().split("\n");
    };
    assertEquals(await once("logs Studio -n 2"), [
      "\\u001b[2Jevil",
      "unfinished",
    ]);
    assertEquals((await once("logs studio-1")).length, 5);
    assertEquals(await once("logs studio-1 -n 0"), [""]);
    assertEquals(
      (await once("logs studio-1 --since 5m"))[0],
      "2026-01-02T03:04:00Z new",
    );
    assertEquals(await once("logs studio-1 --since 1h -n 1 --json"), [
      '{"line":"unfinished"}',
    ]);

    const console = await stage.console();
    const { out, err } = console;
    const seen: string[] = [];
    const then = (act: () => void) => (): void => {
      seen.push(out.take() + err.take().replaceAll(stage.directory, ""));
      act();
    };
    console.rests.push(
      then(() => append(", finished\nnext\nhal")),
      then(() => {
        append("f\nlast of the old");
        Deno.renameSync(path, `${path}.1`);
      }),
      // No file has the path now: the writer may still write to the old one.
      then(() =>
        Deno.writeTextFileSync(`${path}.1`, "est\n", { append: true })
      ),
      then(() => append("first of the new\n")),
      then(() => Deno.truncateSync(path)),
      then(() => append("after the truncation\n")),
      then(() => {
        append("of one\n");
        Deno.renameSync(path, `${path}.2`);
        append("of another\n");
      }),
      then(() => console.interrupt()),
    );
    assertEquals(await console.run("logs studio-1 -f -n 1"), 0);
    assertEquals(seen, [
      "",
      "unfinished, finished\nnext\n",
      "half\n",
      "last of the oldest\n",
      "first of the new\n/studio.log was replaced; the new file follows.\n",
      "/studio.log was truncated; it begins anew.\n",
      "after the truncation\n",
      "of one\nof another\n/studio.log was replaced; the new file follows.\n",
    ]);
  },
);

permittedTest(
  "cli: logs finds the last lines of a long file, and refuses --since where no line has a time",
  NEEDS,
  async () => {
    await using stage = await cliStage();
    await populate(stage);
    const lines = Array.from({ length: 30_000 }, (_, at) => `line ${at}`);
    const path = `${stage.directory}/studio.log`;
    Deno.writeTextFileSync(path, lines.join("\n") + "\n");
    for (const last of [1, 2, 100, 20_000, 40_000]) {
      const console = await stage.console();
      assertEquals(await console.run(`logs studio-1 -n ${last}`), 0);
      assertEquals(
        console.out.text.split("\n").slice(0, -1),
        lines.slice(-last),
      );
    }
    const console = await stage.console();
    assertEquals(await console.run("logs studio-1 --since 5m"), 1);
    assertStringIncludes(console.err.text, "no line of");
    Deno.truncateSync(path);
    assertEquals(await console.run("logs studio-1 --since 5m"), 0);
  },
);

permittedTest(
  "cli: broker logs chooses by level, age and number",
  NEEDS,
  async () => {
    await using stage = await cliStage();
    await populate(stage);
    const records = async (rest: string): Promise<{ message: string }[]> => {
      const console = await stage.console();
      console.useTime(stage.now);
      assertEquals(await console.run(`broker logs --json ${rest}`), 0);
      return console.out.text.trimEnd().split("\n").filter((l) => l !== "")
        .map((line) => JSON.parse(line));
    };
    const all = await records("");
    assertEquals(all.at(-1)?.message, "failed");
    assertEquals(await records("-n 2"), all.slice(-2));
    assertEquals(await records("--since 1h"), all);
    assertEquals(await records("--since 2100-01-01T00:00:00Z"), []);
    assertEquals(await records("--level error"), []);
    assert(all.some(({ message }) => message === "serving"));
  },
);

permittedTest(
  "cli: broker logs -f goes on with the next broker, and shows no record twice",
  NEEDS,
  async () => {
    await using next = new AsyncDisposableStack();
    await using stage = await cliStage();
    await using held = new AsyncDisposableStack();
    const console = await stage.console();
    const ended = new AbortController();
    console.pause = () => lapse(20);
    console.interruptible = () => ({
      signal: ended.signal,
      [Symbol.dispose]: () => {},
    });
    const { out, err } = console;
    const count = (text: string): number => out.text.split(text).length - 1;
    const following = console.run("broker logs -f");
    held.defer(async () => {
      ended.abort();
      await soon(following, "the end of the command");
    });
    await until("the first broker's record", () => count("serving") === 1);
    await stage.client.call("AllocateConnection", {
      runtime_id: "r",
      processor_id: "one",
    });
    await until("a record that comes", () => count("awaiting_both") === 1);
    await stage.broker[Symbol.asyncDispose]();
    await until("its end", () => err.text.includes("has gone"));
    next.use(await startBroker(stage.address));
    await until("the next broker", () => err.text.includes("is back"));
    await until("its record", () => count("serving") === 2);
    await stage.client.call("AllocateConnection", {
      runtime_id: "r",
      processor_id: "two",
    });
    await until("its records", () => count("awaiting_both") === 2);
    ended.abort();
    assertEquals(await soon(following, "the end of the command"), 0);
    assertEquals(count("processor_id=one"), 1, out.text);
    assertEquals(count("serving"), 2, out.text);
  },
);

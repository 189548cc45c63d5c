import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { FileWatch } from "../../host/watch/file_watch.ts";
import { pathToFileURL } from "node:url";
import { BridgeError, type HostOptions, ReactiveHost } from "../../host/mod.ts";
import { TICKS } from "../fixtures/tick_port.ts";
import { isolatedHome } from "../helpers/home.ts";
import { sendTick, type TickPorts } from "../helpers/hosts.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { PATIENCE_MS, soon, until } from "../helpers/soon.ts";

const CLIENT = new URL("../../client/mod.ts", import.meta.url).href;
const PORT = new URL("../fixtures/tick_port.ts", import.meta.url).href;

/** A processor that answers with the word of another file. */
const PROCESSOR = `
import { reactive } from ${JSON.stringify(CLIENT)};
import { TICKS } from ${JSON.stringify(PORT)};
import { WORD } from "./parts/word.ts";

export default reactive({
  inputs: { ticks: TICKS },
  outputs: { ticks: TICKS },
  process({ input, output }) {
    using tick = input.ticks.get();
    if (!tick) return;
    if (tick.schema_name === "die") Deno.exit(3);
    using out = output.ticks.acquire({ ...tick.copy(), schema_name: WORD });
    output.ticks.send(out);
  },
});
`;

/** A folder with a processor, and a host that watches it. */
class Watched implements AsyncDisposable {
  readonly folder: string = Deno.makeTempDirSync({ prefix: "sl" });
  readonly warnings: string[] = [];
  readonly host: ReactiveHost<TickPorts, TickPorts>;

  constructor(
    options: Partial<HostOptions<TickPorts, TickPorts>> = {},
    processor = PROCESSOR,
  ) {
    Deno.mkdirSync(`${this.folder}/parts`);
    this.write("parts/word.ts", word("one"));
    this.write("processor.ts", processor);
    this.host = ReactiveHost.launch<TickPorts, TickPorts>({
      module: pathToFileURL(`${this.folder}/processor.ts`),
      inputs: { ticks: TICKS },
      outputs: { ticks: TICKS },
      watch: true,
      output: () => {},
      warn: (text) => void this.warnings.push(text),
      ...options,
    });
  }

  /** Writes a file as many editors do: a new file takes the place of the old one, so no client ever reads half of it. */
  write(name: string, text: string): void {
    const path = `${this.folder}/${name}`;
    Deno.writeTextFileSync(`${path}.new`, text);
    Deno.renameSync(`${path}.new`, path);
  }

  /** What the client answers. */
  async answer(): Promise<string> {
    await soon(this.host.input.ticks.ready, "room");
    await sendTick(this.host, "tick");
    using answer = await soon(this.host.output.ticks.next(), "the answer");
    assert(answer, "the host has ended");
    return answer.schema_name;
  }

  /** Waits for a warning. */
  async warned(text: string): Promise<void> {
    await until(
      `a warning: ${text}`,
      () => this.warnings.some((one) => one.includes(text)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await soon(this.host.close(), "close");
    await Deno.remove(this.folder, { recursive: true });
  }
}

function word(text: string): string {
  return `export const WORD = ${JSON.stringify(text)};\n`;
}

permittedTest(
  "a client is started again when a file that its module imports has changed",
  HOST_NEEDS,
  async () => {
    await using _ = await isolatedHome();
    await using watched = new Watched();
    const { host } = watched;
    await soon(host.ready, "ready");
    assertEquals(await watched.answer(), "one");
    // What is not of the module has no effect.
    watched.write("parts/notes.txt", "no import");
    watched.write("parts/word.ts", word("two"));
    await until("a restart", () => host.restarts === 1);
    assertEquals(await watched.answer(), "two");
    watched.write("parts/word.ts", word("three"));
    await until("another restart", () => host.restarts === 2);
    assertEquals(await watched.answer(), "three");
    assertEquals(host.stats.lost, 0);
    assertEquals(watched.warnings.length, 2);
    assertStringIncludes(watched.warnings[0]!, "word.ts has changed");
  },
);

permittedTest(
  "a module that is wrong, or a client that dies, waits for a change",
  HOST_NEEDS,
  async () => {
    await using _ = await isolatedHome();
    await using watched = new Watched();
    const { host } = watched;
    await soon(host.ready, "ready");
    watched.write("parts/word.ts", "export const WORD = ;");
    await watched.warned("is started when a file of its module has changed");
    assert(watched.warnings.some((text) => text.includes("word.ts")));
    const own = watched.warnings.filter((text) => text.includes("streamlib:"));
    assertEquals(own, []); // this library's name is for stderr
    watched.write("parts/word.ts", word("right"));
    assertEquals(await watched.answer(), "right");

    const { length } = watched.warnings;
    await sendTick(host, "die");
    await until("a warning", () => watched.warnings.length > length);
    assertStringIncludes(watched.warnings.at(-1)!, "exited with code 3");
    watched.write("parts/word.ts", word("again"));
    assertEquals(await watched.answer(), "again");
  },
);

/** A processor that answers with its settings, of which one has this name. */
function withSetting(name: string): string {
  return `
import { Float32, reactive, setting } from ${JSON.stringify(CLIENT)};
import { TICKS } from ${JSON.stringify(PORT)};

export default reactive({
  inputs: { ticks: TICKS },
  outputs: { ticks: TICKS },
  settings: { ${name}: setting(Float32, { default: 1, maximum: 4 }) },
  setup({ settings }) {
    if (Object.values(settings)[0] === 4) throw new Error("too much");
  },
  process({ input, output, settings }) {
    using tick = input.ticks.get();
    if (!tick) return;
    const schema_name = JSON.stringify(settings);
    using out = output.ticks.acquire({ ...tick.copy(), schema_name });
    output.ticks.send(out);
  },
});
`;
}

permittedTest(
  "a setting that a changed module no longer has is left out, and a value that clients fail with can be replaced",
  HOST_NEEDS,
  async () => {
    await using _ = await isolatedHome();
    await using watched = new Watched({}, withSetting("amount"));
    const { host } = watched;
    await soon(host.ready, "ready");
    await host.settings.set({ amount: 2 }, { timeoutMs: PATIENCE_MS });
    assertEquals(await watched.answer(), '{"amount":2}');
    watched.write("processor.ts", withSetting("gain"));
    await watched.warned("without the setting 'amount', which was 2");
    assertEquals(await watched.answer(), '{"gain":1}');
    assertEquals<unknown>(host.settings.values, { gain: 1 });

    // The next client has the value that `setup` refuses.
    await host.settings.set({ gain: 4 }, { timeoutMs: PATIENCE_MS });
    watched.write("processor.ts", `${withSetting("gain")}// again`);
    await watched.warned("is started when a file of its module has changed");
    const change = host.settings.set({ gain: 3 }, { timeoutMs: PATIENCE_MS });
    watched.write("processor.ts", `${withSetting("gain")}// and again`);
    await soon(change, "the change");
    assertEquals(await watched.answer(), '{"gain":3}');
  },
);

permittedTest(
  "the frames that a client had are sent to the next one, if it is asked to",
  HOST_NEEDS,
  async () => {
    await using _ = await isolatedHome();
    await using watched = new Watched({
      restart: "on-failure",
      resend: "all",
    });
    const { host } = watched;
    await soon(host.ready, "ready");
    host.pause();
    await sendTick(host, "tick");
    watched.write("parts/word.ts", word("two"));
    await until("a restart", () => host.restarts === 1);
    host.resume();
    using answer = await soon(host.output.ticks.next(), "the answer");
    assertEquals(answer?.schema_name, "two");
    assertEquals(host.stats.lost, 0);
  },
);

permittedTest(
  "a file that is written before the watch has looked at it has changed; one that is new has not",
  HOST_NEEDS,
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "sl" });
    const [module, part] = [`${folder}/module.ts`, `${folder}/part.ts`];
    Deno.writeTextFileSync(module, "");
    const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
    const told: string[] = [];
    let looks = 0;
    // As `deno info` finds them, which takes some time.
    const find = async (): Promise<ReadonlySet<string>> => {
      looks++;
      await pause();
      if (looks > 1) return new Set([module, part]);
      Deno.writeTextFileSync(module, "import './part.ts';");
      Deno.writeTextFileSync(part, "");
      await pause();
      return new Set([module]);
    };
    {
      await using _ = new FileWatch(find, {
        changed: (path) => void told.push(path),
        failed: (why) => void told.push(why),
      });
      await until("the change", () => told.length === 1);
      await until("the next look", () => looks === 2);
      for (let n = 0; n < 8; n++) await pause();
    }
    assertEquals(told, [module]);
    await Deno.remove(folder, { recursive: true });
  },
);

permittedTest(
  "a watched host can be closed while it waits, and leaves nothing",
  HOST_NEEDS,
  async () => {
    await using home = await isolatedHome();
    const waitsAndCloses = async (): Promise<void> => {
      await using watched = new Watched();
      await soon(watched.host.ready, "ready");
      await sendTick(watched.host, "die");
      await watched.warned("has changed");
    };
    await waitsAndCloses(); // Deno keeps what it needs to watch files
    await leavesNothing(home.runDirectory, waitsAndCloses);
  },
);

permittedTest(
  "a module that is no local file cannot be watched",
  HOST_NEEDS,
  () => {
    assertThrows(
      () =>
        ReactiveHost.launch({
          module: "https://example.com/processor.ts",
          watch: true,
        }),
      BridgeError,
      "it is not a file: URL",
    );
  },
);

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Command } from "../../cli/command.ts";
import { COMMANDS } from "../../cli/commands.ts";
import { defaultLimits } from "../../broker/registry/quotas.ts";
import { decideRestart } from "../../host/restart.ts";
import { BridgeError, isErrorCode } from "../../proto/errors.ts";
import * as LANE from "../../proto/lane/layout.ts";
import * as LIMITS from "../../proto/limits.ts";
import { VARIABLES } from "../../proto/environment.ts";
import { DEFAULTS_BY_KIND } from "../../proto/schema/schema.ts";
import { DERIVED_STATES } from "../../proto/states/states.ts";
import { isolatedHome } from "../helpers/home.ts";
import {
  anchorsOf,
  codeIn,
  isShown,
  linksOf,
  tableOf,
} from "../helpers/markdown.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { GuideProject, guidePython } from "../helpers/guide_project.ts";
import { prepare } from "../helpers/preparation.ts";
import { hasPython } from "../../tools/install/python.ts";

/** The guides: their commands are run, and what they name must exist. */

const ROOT = new URL("../../", import.meta.url);

/** The guides, each with the least number of commands that it runs. */
const GUIDES = {
  "getting-started": 3,
  "host-guide": 4,
  "client-guide": 3,
  "python-guide": 2,
  "testing-processors": 1,
  "troubleshooting": 1,
  "production": 3,
} as const;

type Guide = keyof typeof GUIDES;

function read(guide: Guide): Promise<string> {
  return Deno.readTextFile(new URL(`docs/${guide}.md`, ROOT));
}

const NO_PYTHON = hasPython() ? undefined : "no python3 with venv";

if (NO_PYTHON === undefined) {
  prepare("the Python packages of the guides", guidePython);
}

for (const [guide, least] of Object.entries(GUIDES) as [Guide, number][]) {
  permittedTest(
    `${guide}: its files are right, its commands print what it shows`,
    {
      ...HOST_NEEDS,
      exhaustive: true,
      lacking: guide === "python-guide" ? NO_PYTHON : undefined,
    },
    async () => {
      using home = isolatedHome();
      const page = await read(guide);
      await using project = await GuideProject.create(
        home.path,
        await read("getting-started"),
      );
      const ran = await project.run(page);
      assert(ran >= least, `${guide}.md runs ${ran} commands`);
    },
  );
}

permittedTest(
  "every link of a guide leads somewhere",
  { read: true },
  async () => {
    for (const guide of Object.keys(GUIDES) as Guide[]) {
      const page = await read(guide);
      const links = linksOf(page);
      assert(links.length > 1, `${guide}.md has ${links.length} links`);
      for (const { file, anchor } of links) {
        const target = new URL(`docs/${file || `${guide}.md`}`, ROOT);
        const text = await Deno.readTextFile(target); // throws, naming the file
        const found = anchor === undefined || anchorsOf(text).includes(anchor);
        assert(found, `${guide}.md leads to ${file}#${anchor}`);
      }
    }
  },
);

permittedTest(
  "the host guide has every error code, and none else",
  { read: true },
  async () => {
    const page = await read("host-guide");
    const rows = tableOf(page, "code", "what it means", "what to do");
    const listed = rows.flatMap(([code]) => codeIn(code!));
    const source = await Deno.readTextFile(new URL("proto/errors.ts", ROOT));
    const codes = [...source.matchAll(/^ {2}\| "(\w+)";?$/gm)]
      .map(([, code]) => code!);
    assert(codes.length > 10 && codes.every(isErrorCode), `${codes}`);
    assertEquals(listed.sort(), codes.sort());
    for (const [code, meaning, advice] of rows) {
      assert(meaning!.length > 10 && advice!.length > 5, `${code} says little`);
    }
  },
);

permittedTest(
  "the host guide knows what is restarted, and each kind's defaults",
  { read: true },
  async () => {
    const page = await read("host-guide");
    const [, list] = /second attempt can only repeat:([\s\S]*?)\.\n/.exec(
      page,
    )!;
    const rows = tableOf(page, "code", "what it means", "what to do");
    const codes = rows.flatMap(([code]) => codeIn(code!)).filter(isErrorCode);
    const permanent = codes.filter((code) =>
      !decideRestart("on-failure", new BridgeError(code, ""), 0, 0).restart
    );
    assertEquals(codeIn(list!), permanent);
    const kinds = tableOf(
      page,
      "kind of schema",
      "read by default",
      "unread frames it holds",
    ).map(([kind, read_behavior, default_capacity]) => [
      codeIn(kind!)[0],
      {
        read_behavior: codeIn(read_behavior!)[0],
        default_capacity: Number(default_capacity),
      },
    ]);
    assertEquals(Object.fromEntries(kinds), DEFAULTS_BY_KIND);
  },
);

permittedTest("the host guide has every option", { read: true }, async () => {
  const rows = tableOf(await read("host-guide"), "option", "section");
  const source = await Deno.readTextFile(new URL("host/options.ts", ROOT));
  const [, body] = /interface HostOptions<[^{]*\{([\s\S]*?)^\}/m.exec(source)!;
  assertEquals(
    rows.flatMap(([options]) => codeIn(options!)).sort(),
    [...body!.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name!)
      .sort(),
  );
});

permittedTest(
  "the commands that the guides name exist, with their options",
  { read: true },
  async () => {
    const rows = tableOf(
      await read("troubleshooting"),
      "symptom",
      "command",
      "what to look for",
    );
    assert(rows.length >= 15, `${rows.length} rows`);
    const { tasks } = JSON.parse(
      await Deno.readTextFile(new URL("deno.json", ROOT)),
    ) as { tasks: Record<string, unknown> };
    for (const [symptom, command, look] of rows) {
      assert(symptom !== "" && look !== "", `${command}`);
      const lines = codeIn(command!);
      assert(
        lines.length > 0 || command === "(the message names the port)",
        `no command against ${symptom}`,
      );
      for (const line of lines) assertCommand(line, tasks);
    }
    // Also in the text.
    for (const guide of Object.keys(GUIDES) as Guide[]) {
      for (
        const code of codeIn(
          (await read(guide)).replaceAll(/```[\s\S]*?```/g, ""),
        )
      ) {
        if (/^(streamlib|deno task) [^…]*$/.test(code)) {
          assertCommand(code, tasks);
        }
      }
    }
  },
);

/** System programs that the guides may name. */
const SYSTEM = [
  "coredumpctl",
  "df",
  "grpcurl",
  "ls",
  "ps",
  "ulimit",
  "env",
  "journalctl",
];

/** The options before the program of a command that runs one. */
function beforeOperand(
  words: readonly string[],
  { path }: Command,
): readonly string[] {
  const end = words.findIndex((word, at) =>
    at >= path.length && (word === "--" || !word.startsWith("-"))
  );
  return end < 0 ? words : words.slice(0, end);
}

function assertCommand(line: string, tasks: Record<string, unknown>): void {
  const words = line.split(" ");
  if (words[0] === "deno") {
    assert(
      words[1] === "--version" || words[1] === "info" || words[1] === "run" ||
        words[1] === "check" || words[1] === "test" ||
        (words[1] === "task" && words[2]! in tasks),
      `no such Deno task: ${line}`,
    );
    return;
  }
  if (words[0] !== "streamlib") {
    assert(SYSTEM.includes(words[0]!), `no such program: ${line}`);
    return;
  }
  const rest = words.slice(1);
  const command = COMMANDS.find(({ path }) =>
    path.every((word, at) => rest[at] === word)
  );
  assert(command, `no such command: ${line}`);
  const own = command.endsOptions ? beforeOperand(rest, command) : rest;
  for (const word of own.filter((word) => word.startsWith("-"))) {
    assert(
      command.options.some(({ name, short }) =>
        word === `--${name}` || word === `-${short}`
      ),
      `no such option: ${word} in ${line}`,
    );
  }
}

permittedTest(
  "the troubleshooting guide has every state of a connection",
  { read: true },
  async () => {
    const rows = tableOf(
      await read("troubleshooting"),
      "state",
      "it waits for",
      "look at",
    );
    const states = rows.flatMap(([state]) => codeIn(state!));
    assertEquals(states.sort(), [...DERIVED_STATES].sort());
  },
);

permittedTest(
  "every error text that a guide quotes is one of ours",
  { read: true },
  async () => {
    const source = await ourText();
    let quotes = 0;
    for (const guide of Object.keys(GUIDES) as Guide[]) {
      for (const [, quote] of (await read(guide)).matchAll(/"`([^`]+)`"/g)) {
        quotes++;
        const parts = quote!.split("…").map(squeezed);
        assert(parts.join("").length > 8, `${guide}.md quotes '${quote}'`);
        for (const part of parts) {
          assert(
            source.includes(part),
            `${guide}.md quotes '${part}', which no file says`,
          );
        }
      }
    }
    assert(quotes >= 15, `${quotes} quotes`);
  },
);

/** All source text. Strings that are divided over lines are joined. */
async function ourText(): Promise<string> {
  let all = "";
  const look = async (folder: URL): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory && name !== "out") {
        await look(new URL(`${name}/`, folder));
      } else if (/\.(ts|c|h)$/.test(name)) {
        all += await Deno.readTextFile(new URL(name, folder));
      }
    }
  };
  for (
    const folder of [
      "proto",
      "ffi",
      "channel",
      "c",
      "broker",
      "host",
      "client",
      "cli",
      "demo",
      "launchd",
      "testing",
    ]
  ) {
    await look(new URL(`${folder}/`, ROOT));
  }
  return squeezed(
    all.replaceAll(/["`'] *\+?\n? *\+?\s*["`]/g, "").replaceAll(
      /\\(["`'])/g,
      "$1",
    ),
  );
}

function squeezed(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}

permittedTest(
  "each queue of the production guide names a test that exists",
  { read: true },
  async () => {
    const rows = tableOf(
      await read("production"),
      "queue",
      "budget",
      "at the budget",
      "shown by",
    );
    assert(rows.length >= 15, `${rows.length} rows`);
    for (const [queue, , , shown] of rows) {
      const [path] = codeIn(shown!);
      assert((await Deno.stat(new URL(path!, ROOT))).isFile, queue);
    }
  },
);

permittedTest(
  "the limits of the production guide are those of the source",
  { read: true },
  async () => {
    const rows = tableOf(
      await read("production"),
      "limit",
      "value",
      "past it",
      "constant",
    );
    assert(rows.length >= 15, `${rows.length} rows`);
    const constants: Readonly<Record<string, unknown>> = { ...LIMITS, ...LANE };
    for (const [limit, value, , constant] of rows) {
      const [name] = codeIn(constant!);
      assertEquals(inUnits(value!), constants[name!], `${limit} (${name})`);
    }
    // The broker's default quotas are these constants.
    assertEquals(
      defaultLimits(Infinity).connections,
      LIMITS.MAX_CONNECTIONS,
    );
  },
);

/** The value in the unit of its constant: `64 KiB` in bytes, times in the unit named, `4,096` as a number. */
function inUnits(value: string): number {
  const [number, unit = ""] = value.split(" ");
  const units: Readonly<Record<string, number>> = {
    "": 1,
    "KiB": 1024,
    "MiB": 1024 * 1024,
    "GiB": 1024 * 1024 * 1024,
    "bytes": 1,
    "characters": 1,
    "seconds": 1,
    "ms": 1,
    "hours": 60 * 60 * 1000,
  };
  assert(unit in units, `no such unit: ${value}`);
  return Number(number!.replaceAll(",", "")) * units[unit]!;
}

permittedTest(
  "the variables of the production guide are all that there are for users",
  { read: true },
  async () => {
    const rows = tableOf(
      await read("production"),
      "variable",
      "meaning",
      "without it",
    );
    const given = new Set([
      "STREAMLIB_CONNECTION_ID",
      "STREAMLIB_CONNECTION_TOKEN",
    ]);
    assertEquals(
      rows.flatMap(([name]) => codeIn(name!)).sort(),
      Object.keys(VARIABLES).filter((name) => !given.has(name)).sort(),
    );
  },
);

Deno.test("an output is compared line by line, but for what varies", () => {
  assert(isShown("a … b\n", "a long b\n"));
  assert(isShown("a\n…\nb", "a\nb\n") && isShown("a\n…\nb", "a\n1\n2\nb\n"));
  assert(isShown("…\nb", "a.b\nb") && isShown("", ""));
  assert(!isShown("a … b", "a long\nb"));
  assert(!isShown("a.b", "acb"));
  assert(!isShown("a", "a\nb") && !isShown("a\nb", "a") && !isShown("", "a"));
});

permittedTest("the README leads to every guide", { read: true }, async () => {
  const readme = await Deno.readTextFile(new URL("README.md", ROOT));
  for (const guide of Object.keys(GUIDES)) {
    assertStringIncludes(readme, `(docs/${guide}.md)`);
  }
});

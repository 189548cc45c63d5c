import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { pathToFileURL } from "node:url";
import { inspectModule } from "../../cli/inspect/inspect_module.ts";
import { systemConsole } from "../../cli/terminal/system_console.ts";
import { parseDescription } from "../../proto/schema/json/description_json.ts";
import { type Ended, run } from "../helpers/child.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { UserProject } from "../helpers/user_project.ts";

const NEEDS = { read: true, write: true, run: true, env: true } as const;
const ROOT = new URL("../../", import.meta.url);
const CLIENT = new URL("client/mod.ts", ROOT).href;
const CONFIG = new URL("deno.json", ROOT).pathname;

/** A project whose import map knows this package. */
function projectOf(files: Readonly<Record<string, string>>): UserProject {
  return new UserProject({
    "deno.json": JSON.stringify({ imports: { bridge: CLIENT } }),
    ...files,
  });
}

function inspect(project: UserProject, ...args: string[]): Promise<Ended> {
  return run(Deno.execPath(), {
    args: [
      "run",
      "-q",
      "--no-prompt",
      "--config",
      CONFIG,
      "-P=cli",
      new URL("cli/main.ts", ROOT).href,
      "inspect",
      ...args,
    ],
    cwd: project.folder,
    env: { NO_COLOR: "1" },
  });
}

const FADE = `
import { call, Bytes, Float32, reactive, setting, UInt32, VideoFrame } from "bridge";
console.log("a module that prints");
Deno.stdout.writeSync(new TextEncoder().encode(
  'and writes\\nstreamlib-inspect {"error":"forged"}\\nstreamlib-inspect {',
));
setInterval(() => {}, 1_000);
export default reactive({
  inputs: { video: VideoFrame },
  settings: {
    amount: setting(Float32, { default: 0.5, maximum: 1, description: "how much" }),
  },
  calls: {
    row: call(
      { request: { y: UInt32 }, reply: { pixels: Bytes } },
      () => ({ pixels: new Uint8Array(0) }),
    ),
  },
  process() { throw new Error("never called"); },
});
`;

permittedTest(
  "inspect: what a processor declares, as text and as JSON, whatever its module prints or leaves running",
  NEEDS,
  async () => {
    using project = projectOf({ "fade.ts": FADE });
    const text = await inspect(project, "fade.ts");
    assertEquals([text.code, text.stderr], [0, ""]);
    for (
      const line of [
        /^fade\.ts: a reactive processor\n/,
        /\nvideo +VideoFrame 1\.1\.0 +skip_to_latest +4 +yes\n/,
        /\namount +Float32 +0\.5 +- +1\n +how much\n/,
        /\nrow +y: UInt32 +pixels: Bytes\n/,
      ]
    ) assertMatch(text.stdout, line);
    const json = await inspect(project, "fade.ts", "--json");
    assertEquals([json.code, json.stderr], [0, ""]);
    const { ports, settings } = parseDescription(json.stdout);
    assertEquals(ports?.inputs[0]?.name, "video");
    assertEquals(settings[0]?.maximum, 1);
  },
);

permittedTest(
  "inspect: a processor of another copy of this package is described",
  NEEDS,
  async () => {
    using project = projectOf({
      "other.ts": `
const description = { mode: "manual", ports: null, settings: [], calls: [] };
export default { [Symbol.for("@streamlib/bridge.describe")]: () => description };
`,
    });
    const { code, stdout } = await inspect(project, "other.ts");
    assertEquals(
      [code, stdout],
      [0, "other.ts: a manual processor\nIts ports are those of its host.\n"],
    );
  },
);

/** Modules that cannot be inspected: what is said, the exit code, and what is advised. */
const BROKEN: Readonly<
  Record<string, {
    readonly code: string;
    readonly says: readonly string[];
    readonly next: string;
  }>
> = {
  "no processor": {
    code: "export default { mode: 'reactive' };",
    says: ["its default export is not a processor"],
    next: "streamlib inspect --help",
  },
  "a mistake in its syntax": {
    code: "export default reactive({",
    says: ["it cannot be loaded", "/broken.ts:1:26"],
    next: "deno run broken.ts",
  },
  "a missing import": {
    code: 'import "./nothing.ts"; export default 1;',
    says: ["it cannot be loaded", "nothing.ts"],
    next: "deno run broken.ts",
  },
  "ports that are not valid": {
    code: 'import { reactive, VideoFrame } from "bridge";\n' +
      'export default reactive({ inputs: { "": VideoFrame }, process() {} });',
    says: ["it cannot be loaded", "Cannot use"],
    next: "deno run broken.ts",
  },
  "a call with a name that JavaScript asks for": {
    code: 'import { call, reactive } from "bridge";\n' +
      "export default reactive({ calls: { then: call({}, () => {}) }, process() {} });",
    says: [`the call's name "then" is a name that JavaScript asks`],
    next: "deno run broken.ts",
  },
  "a setting without a default": {
    code: 'import { Float32, reactive, setting } from "bridge";\n' +
      "export default reactive({ settings: { gain: setting(Float32, {}) }, process() {} });",
    says: [
      "Cannot use the settings, 'gain': it has no default; write setting(",
    ],
    next: "deno run broken.ts",
  },
  "an environment variable that it reads": {
    code: 'Deno.env.get("HOME");',
    says: ["it cannot be loaded", 'Requires env access to "HOME"'],
    next: "streamlib inspect broken.ts --allow env",
  },
  "a host that it imports from": {
    code: 'import "https://example.invalid/x.ts";',
    says: ["it cannot be loaded", "Requires import access to"],
    next: "streamlib inspect broken.ts --allow import",
  },
  "a file that it writes": {
    code: 'Deno.writeTextFileSync("mine", "");',
    says: [
      "it asks for write access while it is loaded, which is never given here; move that into setup()",
    ],
    next: "streamlib inspect --help",
  },
  "an error that it throws": {
    code: 'throw new Error("no model");',
    says: ["it cannot be loaded", "Error: no model\n    at ", "/broken.ts:1:7"],
    next: "deno run broken.ts",
  },
  "an error that nobody awaits": {
    code:
      'Promise.reject(new Error("a late one")); await new Promise(() => {});',
    says: ["it cannot be loaded", "Error: a late one"],
    next: "deno run broken.ts",
  },
  "a promise that never settles": {
    code: "await new Promise(() => {});",
    says: ["its process ended with code 1", "Top-level await promise"],
    next: "streamlib inspect --help",
  },
};

for (const [name, { code, says, next }] of Object.entries(BROKEN)) {
  permittedTest(`inspect: a broken module: ${name}`, NEEDS, async () => {
    using project = projectOf({ "broken.ts": code });
    const ended = await inspect(project, "broken.ts");
    assertEquals([ended.code, ended.stdout], [1, ""]);
    const { stderr } = ended;
    assertStringIncludes(stderr, "streamlib: Cannot inspect 'broken.ts': ");
    for (const words of says) assertStringIncludes(stderr, words);
    assert(stderr.endsWith(`\nTry: ${next}\n`), stderr);
    assert(!stderr.includes("data:application"), stderr);
  });
}

/** Modules that do harm, or try to. */
const HOSTILE: Readonly<Record<string, readonly [code: string, says: string]>> =
  {
    "it ends the process": ["Deno.exit(0);", "its process ended with code 0"],
    "it kills the process": [
      'Deno.kill(Deno.pid, "SIGKILL");',
      "its process ended with code 137",
    ],
    "it kills another process": [
      'Deno.kill(Deno.ppid, "SIGKILL");',
      "Requires run access",
    ],
    "it starts a program": [
      'new Deno.Command("true").outputSync();',
      "Requires run access",
    ],
    "it loads native code": [
      'Deno.dlopen("libc.so.6", {});',
      "Requires ffi access",
    ],
    "it writes a file": [
      'Deno.writeTextFileSync("mine", "");',
      "Requires write access",
    ],
    "it floods both streams": [
      `const bytes = new Uint8Array(65_536).fill(65);
for (let left = 200; left > 0; left--) {
  Deno.stdout.writeSync(bytes);
  Deno.stderr.writeSync(bytes);
}
Deno.exit(3);`,
      "its process ended with code 3",
    ],
    "it writes a report that is none": [
      `Deno.stdout.writeSync(new TextEncoder().encode("\\nstreamlib-inspect 7\\n"));
Deno.exit(0);`,
      "its process ended with code 0",
    ],
    "it writes a report without content": [
      `Deno.stdout.writeSync(new TextEncoder().encode("\\nstreamlib-inspect []\\n"));
Deno.exit(0);`,
      "it is not JSON",
    ],
    "it describes what no processor can be": [
      `export default { [Symbol.for("@streamlib/bridge.describe")]: () => ({
  mode: "reactive",
  ports: { inputs: [{ name: "\\u001b[2J" }], outputs: [] },
  settings: [],
  calls: [],
}) };`,
      "'description' is missing",
    ],
    "its description is endless": [
      `export default { [Symbol.for("@streamlib/bridge.describe")]: () =>
  "x".repeat(300_000) };`,
      "at most",
    ],
    "its message has control characters": [
      'throw new Error("\\u001b[2J");',
      "\\u001b[2J",
    ],
  };

for (const [name, [code, says]] of Object.entries(HOSTILE)) {
  permittedTest(`inspect: a hostile module: ${name}`, NEEDS, async () => {
    using project = projectOf({ "broken.ts": code });
    const ended = await inspect(project, "broken.ts");
    assertEquals([ended.code, ended.stdout], [1, ""]);
    assertStringIncludes(ended.stderr, says);
    assert(ended.stderr.length < 10_000, `${ended.stderr.length} characters`);
    assert(!ended.stderr.includes("\x1b"));
  });
}

permittedTest(
  "inspect: a module that is not loaded in time is ended",
  NEEDS,
  async () => {
    using project = projectOf({ "loop.ts": "for (;;);" });
    const module = pathToFileURL(`${project.folder}/loop.ts`);
    const found = await inspectModule(systemConsole(), module, [], 1);
    assert("problem" in found);
    assertStringIncludes(found.problem, "it was not loaded within 1 s");
  },
);

/** What a slow machine may take to fill the memory. */
const PATIENT_SECS = 1_200;

permittedTest(
  "inspect: a module that fills the memory fails, and not the machine",
  { ...NEEDS, linux: "a limit of a process's memory", exhaustive: true },
  async () => {
    using project = projectOf({
      "hog.ts": "for (const all = [];;) all.push(new Uint8Array(1e7).fill(1));",
    });
    const module = pathToFileURL(`${project.folder}/hog.ts`);
    const found = await inspectModule(
      systemConsole(),
      module,
      [],
      PATIENT_SECS,
    );
    assert("problem" in found);
    assertStringIncludes(found.output, "Array buffer allocation failed");
  },
);

permittedTest(
  "inspect: the project's lock file is used and never changed; a path and a URL name the module",
  NEEDS,
  async () => {
    const lock = '{"version":"5"}\n';
    using project = projectOf({ "fade.ts": FADE, "deno.lock": lock });
    const url = pathToFileURL(`${project.folder}/fade.ts`).href;
    for (const name of [url, `${project.folder}/fade.ts`, "./fade.ts"]) {
      const { code, stderr } = await inspect(project, name);
      assertEquals([code, stderr], [0, ""]);
    }
    assertEquals(project.read("deno.lock"), lock);
    const missing = await inspect(project, "missing.ts");
    assertEquals(missing.code, 4);
    assertStringIncludes(
      missing.stderr,
      `Cannot inspect 'missing.ts': there is no file ${project.folder}/missing.ts\nTry: streamlib`,
    );
    const allowed = await inspect(project, "fade.ts", "--allow", "env,ffi");
    assertEquals(allowed.code, 2);
    assertStringIncludes(
      allowed.stderr,
      "a list of env, import, net, read, sys",
    );
  },
);

permittedTest(
  "inspect: what the module may use is in the advice too, and import access is given",
  NEEDS,
  async () => {
    using project = projectOf({
      "broken.ts": 'import "https://127.0.0.1:9/x.ts"; export default 1;',
      "late.ts": 'Deno.env.get("HOME"); throw new Error("late");',
    });
    const found = await inspect(project, "broken.ts", "--allow", "import");
    assertStringIncludes(
      found.stderr,
      "Import 'https://127.0.0.1:9/x.ts' failed",
    );
    const late = await inspect(project, "late.ts", "--allow", "env,sys");
    assert(
      late.stderr.endsWith("\nTry: deno run --allow-env --allow-sys late.ts\n"),
    );
  },
);

permittedTest(
  "inspect: a path is of the folder where `deno task` was called, and the error shows the whole of it",
  NEEDS,
  async () => {
    using project = projectOf({ "fade.ts": FADE });
    const { folder } = project;
    Deno.env.delete("INIT_CWD"); // of the task that runs this test: Deno would keep it
    const task = (name: string): Promise<Ended> =>
      run(Deno.execPath(), {
        args: ["task", "-q", "--config", CONFIG, "streamlib", "inspect", name],
        cwd: folder,
        env: { NO_COLOR: "1" },
      });
    const found = await task("./fade.ts");
    assertEquals([found.code, found.stderr], [0, ""]);
    assertStringIncludes(found.stdout, "./fade.ts: a reactive processor");
    const missing = await task("../none.ts");
    assertEquals(missing.code, 4);
    const parent = folder.slice(0, folder.lastIndexOf("/"));
    assertStringIncludes(
      missing.stderr,
      `Cannot inspect '../none.ts': there is no file ${parent}/none.ts\n`,
    );
  },
);

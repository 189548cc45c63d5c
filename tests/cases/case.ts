/** Runs the inputs on which the product failed; see README.md. */

import { fileURLToPath } from "node:url";
import { describeEnd, runToEnd } from "../../tools/programs.ts";
import { type Needs, permittedTest } from "../helpers/permitted.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const INPUTS = fileURLToPath(new URL("inputs/", import.meta.url));
/** The longest time of one case. Less than a test's, so that its output is reported. */
const LIMIT_MS = 225_000;

const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  service: true,
  linux: "c/linux",
} as const satisfies Needs;

/** A program of the machine that a case uses. */
type Tool = "ffmpeg" | "python3" | "setpriv" | "unshare";

/** What a case needs, and whether it is known to fail. */
interface CaseOptions {
  /** Programs that must be on the PATH. */
  readonly tools?: readonly Tool[];
  /** A file in the scratch folder that is part of its output. */
  readonly result?: string;
  /** It makes namespaces, or files of other users. */
  readonly root?: true;
  /** Why the case still fails. */
  readonly fails?: string;
}

function isAllowed(): boolean {
  return (["run", "read", "env"] as const).every((name) =>
    Deno.permissions.querySync({ name }).state === "granted"
  );
}

function hasTool(name: Tool): boolean {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  return folders.some((folder) => {
    try {
      return Deno.statSync(`${folder}/${name}`).isFile;
    } catch {
      return false;
    }
  });
}

function lackingFor({ tools = [], root }: CaseOptions): string | undefined {
  if (!isAllowed()) return undefined; // permittedTest names what is missing
  const lacking = [
    ...tools.filter((tool) => !hasTool(tool)).map((tool) => `no ${tool}`),
    ...(root && Deno.uid() !== 0 ? ["needs root"] : []),
  ];
  return lacking.length > 0 ? lacking.join("; ") : undefined;
}

/** Registers a case, which is ignored if something is missing. */
function caseTest(
  name: string,
  options: CaseOptions,
  body: () => Promise<void>,
): void {
  const { fails } = options;
  permittedTest(
    fails ? `${name} (known to fail: ${fails})` : name,
    { ...NEEDS, lacking: lackingFor(options) },
    fails ? () => mustFail(body, fails) : body,
  );
}

async function mustFail(
  body: () => Promise<void>,
  reason: string,
): Promise<void> {
  try {
    await body();
  } catch {
    return;
  }
  throw new Error(
    `It gives the right result now. Remove its mark "fails: ${reason}"`,
  );
}

async function outputOf(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<string> {
  const ended = await runToEnd(program, {
    args: [...args],
    cwd,
    env: { REPO: ROOT, DENO: Deno.execPath(), NO_COLOR: "1" },
    limitMs: LIMIT_MS,
  });
  const output = ended.stdout + ended.stderr;
  if (ended.late || ended.left) {
    throw new Error(`${describeEnd(ended, LIMIT_MS)}\n${output}`);
  }
  return output;
}

function judge(output: string, expect: (output: string) => void): void {
  try {
    expect(output);
  } catch (error) {
    throw new Error(`The case printed:\n${output}`, { cause: error });
  }
}

/** Registers `inputs/NAME/run.sh`. `expect` gets what it prints, and throws if that is wrong. */
export function reported(
  name: string,
  expect: (output: string) => void,
  options: CaseOptions = {},
): void {
  caseTest(name, options, async () => {
    const folder = name.split(" ")[0]!;
    const script = `${INPUTS}${folder}/run.sh`;
    judge(await outputOf("bash", [script], ROOT), expect);
  });
}

/** Registers a program of `inputs/attack/FOLDER`: a Python script, or a module that Deno runs. */
export function attack(
  folder: string,
  [program, ...args]: readonly [string, ...string[]],
  expect: (output: string) => void,
  options: CaseOptions = {},
): void {
  const tools: Tool[] = ["python3", ...options.tools ?? []];
  const name = [`attack/${folder}/${program}`, ...args].join(" ");
  caseTest(name, { ...options, tools }, async () => {
    const scratch = await Deno.makeTempDir({ prefix: "streamlib-attack-" });
    try {
      await outputOf("bash", [`${INPUTS}attack/setup.sh`, scratch, ROOT], ROOT);
      const cwd = `${scratch}/${folder}`;
      const output = program.endsWith(".ts")
        ? await outputOf(
          "env",
          [
            `STREAMLIB_HOME=${scratch}/h`,
            Deno.execPath(),
            ...["run", "-q", "--no-prompt", "-A", program, ...args],
          ],
          cwd,
        )
        : await outputOf("python3", [program, ...args], cwd);
      const result = options.result
        ? await Deno.readTextFile(`${scratch}/${options.result}`)
        : "";
      judge(output + result, expect);
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  });
}

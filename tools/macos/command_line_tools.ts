/**
 * Apple's command line tools. Without them `cc`, `ld` and `python3` in /usr/bin are stubs:
 * they open a dialog that offers the tools, and end with code 1. Not run on a Mac.
 */

const STUBS = "/usr/bin/";

/** What a program of macOS wrote, and its exit code. */
export interface AskedProgram {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Synchronous, because tests are declared by it. */
type AskProgram = (program: string, args: string[]) => AskedProgram;

const askProgram: AskProgram = (program, args) => {
  const decoder = new TextDecoder();
  const { code, stdout, stderr } = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).outputSync();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
};

/**
 * Why a program is only a stub; undefined if it is none. Looks without running it, so that
 * no dialog opens. Needs `--allow-run`.
 *
 * @param program its name on the PATH, or its path
 */
export function whyStub(
  program: string,
  os: typeof Deno.build.os = Deno.build.os,
  ask: AskProgram = askProgram,
): string | undefined {
  if (os !== "darwin") return undefined;
  const path = program.includes("/")
    ? program
    : ask("/usr/bin/which", [program]).stdout.trim();
  if (!path.startsWith(STUBS)) return undefined;
  const selected = ask("/usr/bin/xcode-select", ["-p"]);
  if (selected.code !== 0) {
    return `Apple's command line tools are not installed (xcode-select -p: ${
      firstLine(selected)
    })`;
  }
  // After an upgrade of macOS the selected folder may be empty.
  const name = path.slice(path.lastIndexOf("/") + 1);
  const found = ask("/usr/bin/xcrun", ["--find", name]);
  if (found.code === 0) return undefined;
  return `Apple's command line tools do not work (xcrun --find ${name}: ${
    firstLine(found)
  })`;
}

function firstLine({ code, stdout, stderr }: AskedProgram): string {
  const [line = ""] = (stderr.trim() || stdout.trim()).split("\n");
  return line || `code ${code}`;
}

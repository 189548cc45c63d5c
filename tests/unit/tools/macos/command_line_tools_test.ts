import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  type AskedProgram,
  whyStub,
} from "../../../../tools/macos/command_line_tools.ts";

/** A Mac whose programs have these results; a program with none must not be asked. */
function mac(
  results: Record<string, Partial<AskedProgram>>,
): { why: (program: string) => string | undefined; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    why: (program) =>
      whyStub(program, "darwin", (path, args) => {
        const line = [path.replace("/usr/bin/", ""), ...args].join(" ");
        asked.push(line);
        return { code: 0, stdout: "", stderr: "", ...results[line]! };
      }),
  };
}

const NONE = {
  code: 2,
  stderr:
    "xcode-select: error: unable to get active developer directory, use `sudo xcode-select --switch` to set one\n",
};

Deno.test("command line tools: without them a stub is seen before it is run, which would open a dialog", () => {
  const { why, asked } = mac({
    "which cc": { stdout: "/usr/bin/cc\n" },
    "xcode-select -p": NONE,
  });
  for (const program of ["cc", "/usr/bin/cc"]) {
    assertStringIncludes(why(program)!, "unable to get active developer");
  }
  assertEquals(asked, ["which cc", "xcode-select -p", "xcode-select -p"]);
});

Deno.test("command line tools: a folder that an upgrade of macOS has emptied is seen too", () => {
  const { why } = mac({
    "which cc": { stdout: "/usr/bin/cc\n" },
    "xcode-select -p": { stdout: "/Library/Developer/CommandLineTools\n" },
    "xcrun --find cc": {
      code: 1,
      stderr: "xcrun: error: invalid active developer path\n",
    },
  });
  assertStringIncludes(why("cc")!, "invalid active developer path");
});

Deno.test("command line tools: what is installed, from elsewhere or missing altogether is no stub", () => {
  const well = mac({
    "which cc": { stdout: "/usr/bin/cc\n" },
    "xcode-select -p": { stdout: "/Library/Developer/CommandLineTools\n" },
    "xcrun --find cc": {},
  });
  assertEquals(well.why("cc"), undefined);
  const other = mac({
    "which python3": { stdout: "/opt/homebrew/bin/python3\n" },
    "which gcc-14": { code: 1 },
  });
  for (const program of ["python3", "gcc-14", "/opt/llvm/bin/clang"]) {
    assertEquals(other.why(program), undefined);
  }
  assertEquals(
    whyStub("cc", "linux", () => {
      throw new Error("Linux has no stubs");
    }),
    undefined,
  );
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readSharedLibrary } from "../../tools/cross/elf.ts";
import { CollectedText, kill, run, statusOf } from "../helpers/child.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";
import { prepared } from "../helpers/preparation.ts";
import { type Blocks, type Compile, findBlocks } from "./blocks.ts";
import type { Dispatch } from "./dispatch.ts";

/**
 * Our libxpc as other projects use it: installed in a prefix, found by
 * pkg-config, with programs that use nothing else of this repository.
 */

const ROOT = new URL("../../", import.meta.url);
const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  linux: "libxpc",
} as const;

async function output(
  program: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { code, stdout, stderr } = await run(program, { args, env });
  assert(code === 0, `${program} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** A prefix with libxpc in it, moved after the installation, and a folder for programs. */
class Scratch implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Scratch> {
    const folder = await Deno.makeTempDir();
    await output(Deno.execPath(), [
      "run",
      "-q",
      "--no-lock",
      "-A",
      new URL("tools/c/libxpc.ts", ROOT).href,
      "--prefix",
      `${folder}/before`,
    ]);
    await Deno.rename(`${folder}/before`, `${folder}/prefix`);
    return new Scratch(folder);
  }

  get lib(): string {
    return `${this.folder}/prefix/lib`;
  }

  /** The flags of pkg-config, and the library's path at run time. */
  async flags(): Promise<string[]> {
    const said = await output("pkg-config", ["--cflags", "--libs", "xpc"], {
      PKG_CONFIG_PATH: `${this.lib}/pkgconfig`,
    });
    return [...said.trim().split(/\s+/), `-Wl,-rpath,${this.lib}`];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** True where this process may not look. */
async function hasPkgConfig(): Promise<boolean> {
  const { state } = await Deno.permissions.query({ name: "run" });
  return state !== "granted" ||
    await output("pkg-config", ["--version"]).then(() => true, () => false);
}

const PKG_CONFIG = await hasPkgConfig();

/** Registers a test, which is ignored if something is missing. */
function libxpcTest(
  name: string,
  missing: string | undefined,
  body: () => Promise<void>,
): void {
  const lacking = PKG_CONFIG ? missing : "no pkg-config";
  // It compiles the whole libxpc, and its programs with another compiler.
  permittedTest(name, { ...NEEDS, lacking, long: true }, body);
}

libxpcTest("libxpc.so has names of XPC alone", undefined, async () => {
  await using scratch = await Scratch.open();
  const library = readSharedLibrary(
    await Deno.readFile(`${scratch.lib}/libxpc.so`),
  );
  assert(library.exports.includes("xpc_connection_create_mach_service"));
  assertEquals(library.exports.filter((name) => !/^_?xpc_/.test(name)), []);
  assert(library.nodelete && library.bindsNow);
  const soname = await Deno.readLink(`${scratch.lib}/libxpc.so`);
  assert(/^libxpc\.so\.\d+$/.test(soname), soname);
});

/** Defines a function with the name of an internal one of libxpc. */
const PLAIN = `
#include <stdio.h>
#include <xpc/xpc.h>
const char *xl_alloc = "mine";
int main(void) {
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_string(message, "name", xl_alloc);
    puts(xpc_dictionary_get_string(message, "name"));
    return xpc_get_type(message) != XPC_TYPE_DICTIONARY;
}
`;

libxpcTest(
  "a C program without blocks links it, shared or static",
  undefined,
  async () => {
    await using scratch = await Scratch.open();
    const source = `${scratch.folder}/plain.c`;
    await Deno.writeTextFile(source, PLAIN);
    const shared = await scratch.flags();
    const fixed = shared.map((flag) => flag === "-lxpc" ? "-l:libxpc.a" : flag);
    for (const flags of [shared, fixed]) {
      const program = `${scratch.folder}/plain`;
      await output(Deno.env.get("CC") || "cc", [
        "-Wall",
        "-Wextra",
        "-Werror",
        source,
        "-o",
        program,
        ...flags,
        "-pthread",
      ]);
      assertEquals(
        await output(program, []),
        "mine\n",
      );
    }
  },
);

/** How to build a program, and the variables that it is run with. */
interface Build {
  readonly compile: Compile;
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Builds one of `programs/` against the installed libxpc, and returns its path. */
async function build(
  name: string,
  scratch: Scratch,
  { compile, flags }: Build,
): Promise<string> {
  const program = `${scratch.folder}/${name}`;
  await compile([
    "-fblocks",
    "-Wall",
    "-Wextra",
    "-Werror",
    new URL(`programs/${name}.c`, import.meta.url).pathname,
    "-o",
    program,
    ...await scratch.flags(),
    ...flags,
  ]);
  return program;
}

/** Runs a service until `body` has ended, which gets all that it says. */
async function withService(
  program: string,
  env: Readonly<Record<string, string>>,
  body: (
    service: Deno.ChildProcess,
    said: CollectedText,
  ) => Promise<void>,
): Promise<void> {
  const service = new Deno.Command(program, {
    env,
    stdin: "null",
    stdout: "piped",
  }).spawn();
  await using _ = {
    [Symbol.asyncDispose]: async () => void await kill(service),
  };
  const said = new CollectedText(service.stdout);
  await said.until("the service serves", (text) => text === "serving\n");
  await body(service, said);
}

/** Builds the service and its client, and runs them as two processes. */
async function echo(how: Build): Promise<void> {
  await using scratch = await Scratch.open();
  const server = await build("echo_server", scratch, how);
  const client = await build("echo_client", scratch, how);
  const env = { ...how.env, STREAMLIB_HOME: scratch.folder };
  await withService(server, env, async (service, said) => {
    assertEquals(
      await output(client, [], env),
      'HELLO\n4, SHARED\ncount = <int64: 5>\ntext = <string: "BYE">\n' +
        "the service is gone\n",
    );
    const { success } = await statusOf(service, "the service's end");
    await soon(said.end, "the end of what the service says");
    assertEquals(said.text, "serving\nserved 5\n");
    assert(success);
  });
}

/** The same for a service that calls xpc_main, as the services of macOS's bundles do. */
async function bundled(how: Build): Promise<void> {
  await using scratch = await Scratch.open();
  const server = await build("main_service", scratch, how);
  const client = await build("main_client", scratch, how);
  const env = { ...how.env, STREAMLIB_HOME: scratch.folder };
  const named = { ...env, XPC_SERVICE_NAME: "com.example.bundled" };
  await withService(server, named, async () => {
    // xpc_main does not say when it serves; until then the client reads no length.
    await until("an answer", async () => {
      const said = await output(client, [], env);
      assert(said === "4\n" || said === "0\n", said);
      return said === "4\n";
    });
    const second = await run(server, { env: named });
    assertEquals(second.code, 78);
    assertStringIncludes(
      second.stderr,
      "xpc_main: cannot serve 'com.example.bundled': another process already",
    );
  });
  const unnamed = await run(server, { env: { ...env, XPC_SERVICE_NAME: "" } });
  assertEquals(unnamed.code, 78);
  assertStringIncludes(unnamed.stderr, "set XPC_SERVICE_NAME");
}

const may = (["run", "read", "write"] as const).every((name) =>
  Deno.permissions.querySync({ name }).state === "granted"
);
const blocks = Deno.build.os === "linux" && PKG_CONFIG && may
  ? await prepared("a compiler with blocks", findBlocks())
  : "";
const missing = typeof blocks === "string" && may ? blocks : undefined;

libxpcTest(
  "a service and its client with blocks run as two processes",
  missing,
  async () => {
    const { compile, runtime } = blocks as Blocks;
    await echo({
      compile,
      flags: ["-DWITHOUT_DISPATCH", ...runtime],
      env: {},
    });
  },
);

libxpcTest(
  "a service that calls xpc_main, and its client, run as two processes",
  missing,
  async () => {
    const { compile, runtime } = blocks as Blocks;
    await bundled({
      compile,
      flags: ["-DWITHOUT_DISPATCH", ...runtime],
      env: {},
    });
  },
);

const dispatch = typeof blocks === "object" ? blocks.dispatch : missing;
const noDispatch = typeof dispatch === "string"
  ? `no libdispatch: ${dispatch}`
  : undefined;

/** Registers a test of a program with blocks and libdispatch. */
function dispatchTest(
  name: string,
  body: (how: Build) => Promise<void>,
): void {
  libxpcTest(name, noDispatch, async () => {
    const { compile } = blocks as Blocks;
    await body({ compile, ...dispatch as Dispatch });
  });
}

dispatchTest("the same with dispatch queues, under libdispatch", echo);

dispatchTest("a service that calls xpc_main runs under libdispatch", bundled);

dispatchTest("handlers run on the queue they are given", async (how) => {
  await using scratch = await Scratch.open();
  const program = await build("queues", scratch, how);
  const env = { ...how.env, STREAMLIB_HOME: scratch.folder };
  const results = (await output(program, [], env)).trimEnd().split("\n");
  assert(results.length > 1);
  assertEquals(results.filter((result) => !result.startsWith("ok ")), []);
});

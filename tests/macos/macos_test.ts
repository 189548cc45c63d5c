import { assert, assertEquals, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import { CompileError, Toolchain } from "../../tools/cross/toolchain.ts";
import {
  buildMacos,
  checkAvailability,
  checkDeclarations,
  compileSlice,
  dylibProblems,
  INTERPOSER,
  type MacosLibrary,
  SHIM,
} from "../../tools/macos/build.ts";
import {
  declarationProof,
  readXpcHeader,
} from "../../tools/macos/declarations.ts";
import { parseImports } from "../../tools/macos/imports.ts";
import {
  INTERPOSING,
  readDylib,
  splitSlices,
} from "../../tools/macos/mach_o.ts";
import { macosTarget } from "../../tools/macos/target.ts";
import { hasPython } from "../../tools/install/python.ts";
import {
  listShim,
  listTests,
  MACOS_INTERPOSER,
  MACOS_LIBRARY,
  MACOS_PROGRAM,
} from "../../tools/c/sources.ts";
import { ROOT } from "../../tools/checkout.ts";
import { SYMBOLS } from "../../ffi/symbols.ts";
import { run } from "../helpers/child.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { prepare } from "../helpers/preparation.ts";

/**
 * Tests the shim and the interposer for macOS, built on this machine. They are
 * compiled, linked and inspected, but not run.
 */

const NEEDS = { run: true, read: true, write: true, long: true } as const;
const PYTHON = hasPython();

/** Additional exports of every dylib that zig links. They are not used. */
const LINKER_EXPORTS = ["___dso_handle", "__mh_dylib_header"];

if (PYTHON) {
  prepare("the first build", async () => buildMacos(await Toolchain.open()));
}

function macosTest(
  name: string,
  body: (toolchain: Toolchain) => Promise<void>,
): void {
  permittedTest(
    name,
    { ...NEEDS, lacking: PYTHON ? undefined : "no python3 with venv" },
    async () => await body(await Toolchain.open()),
  );
}

/** Compiles a C file that is not part of the shim. */
async function compileText(
  toolchain: Toolchain,
  text: string,
): Promise<Uint8Array> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/extra.c`, text);
    return await compileSlice(toolchain, "arm64", [`${folder}/extra.c`]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Checks what both libraries have in common. */
async function assertUniversal(
  library: MacosLibrary,
  names: readonly string[],
): Promise<void> {
  const slices = splitSlices(await Deno.readFile(library.output))
    .map(readDylib);
  assertEquals(
    slices.map(({ architecture }) => architecture),
    ["x86_64", "arm64"],
  );
  for (const { installName, minimumVersion, libraries, exports } of slices) {
    assertEquals(installName, `@rpath/${library.name}`);
    assertEquals(minimumVersion, "13.0");
    assertEquals(libraries, ["/usr/lib/libSystem.B.dylib"]);
    assertEquals(exports.toSorted(), [...LINKER_EXPORTS, ...names].sort());
  }
  assert(slices[1]!.signature);
}

macosTest("the task writes both libraries for both processors", async () => {
  const { code, stderr } = await run(Deno.execPath(), {
    args: ["run", "-q", "--no-lock", "-A", "tools/macos/build.ts"],
    cwd: ROOT,
  });
  assertEquals(
    [code, stderr],
    [
      0,
      [MACOS_LIBRARY, MACOS_INTERPOSER].map((name) =>
        `built c/out/macos/${name}: x86_64 and arm64, macOS 13.0 and later\n`
      ).join(""),
    ],
  );
  await assertUniversal(
    SHIM,
    Object.keys(SYMBOLS).map((name) => `_${name}`),
  );
  await assertUniversal(INTERPOSER, []);
});

macosTest("the interposer replaces five functions", async (toolchain) => {
  for (const slice of splitSlices(await buildMacos(toolchain, INTERPOSER))) {
    const { imports, sections } = readDylib(slice);
    // Pairs of a replacement and an original.
    assertEquals(
      sections.filter(({ type }) => type === INTERPOSING),
      [{ name: "__DATA,__interpose", bytes: 5 * 16, type: INTERPOSING }],
    );
    assertEquals(
      imports.filter(({ weak }) => weak).map(({ name }) => name),
      ["_xpc_atfork_prepare"],
    );
  }
});

macosTest(
  "the messages of a bootstrap have the sizes of Apple's structs",
  async (toolchain) => {
    const right = await Deno.readTextFile(
      new URL("c/bootstrap/mach_macos.h", ROOT),
    );
    const check = (text: string): Promise<void> =>
      toolchain.check(macosTarget("arm64"), text, [
        "-std=c11",
        "-Werror",
        "-Ic/bootstrap",
      ]);
    await check(right);
    const wrong: [string, string][] = [
      ["    uint32_t length;\n", ""],
      ["    mach_msg_body_t body;\n", ""],
      ["uint8_t instance[16]", "uint8_t instance[12]"],
      ["#pragma pack(push, 4)", "#pragma pack(push, 8)"],
      ["#define BOOT_SAME", "#define BOOT_BYTES_MAX 239\n$&"],
    ];
    for (const [from, to] of wrong) {
      assert(right.includes(from), `the header has no: ${from}`);
      await assertRejects(
        () => check(right.replace(from, to)),
        CompileError,
        "wire.h is not as Apple's headers",
      );
    }
  },
);

macosTest("it is made of XPC as it is since macOS 10.7", async (toolchain) => {
  const [slice] = splitSlices(await buildMacos(toolchain));
  const imports = readDylib(slice!).imports.map(({ name }) => name);
  for (
    const name of [
      "_xpc_connection_create",
      "_xpc_endpoint_create",
      "_xpc_connection_create_from_endpoint",
      "_xpc_shmem_create",
    ]
  ) assert(imports.includes(name), name);
  assert(!imports.includes("_xpc_listener_copy_endpoint"));
});

macosTest("the C tests that run there link", async (toolchain) => {
  const target = macosTarget("arm64");
  const tests = await listTests("darwin");
  assert(tests.includes("bridge_test"));
  const folder = await Deno.makeTempDir();
  try {
    const shim = `${folder}/shim.o`;
    const sources = await listShim("darwin");
    await toolchain.cc(target, [
      ...MACOS_PROGRAM,
      "-r",
      ...sources,
      "-o",
      shim,
    ]);
    for (const test of tests) {
      const source = `c/tests/${test}.c`;
      await toolchain.link(target, test, [...MACOS_PROGRAM, source, shim]);
    }
    await assertRejects(
      () =>
        toolchain.link(target, "bridge_test", [
          "c/tests/bridge_test.c",
          ...MACOS_PROGRAM,
        ]),
      CompileError,
      "undefined symbol: _slb_",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

macosTest("a build with nothing kept has the same bytes", async (toolchain) => {
  const before = await buildMacos(toolchain);
  const folder = await Deno.makeTempDir();
  try {
    const cache = new URL(`file://${folder}/`);
    const again = await buildMacos(await Toolchain.open(cache));
    assertEquals(again, before);
    const text = new TextDecoder("latin1").decode(again);
    for (const place of [fileURLToPath(ROOT), folder]) {
      assert(!text.includes(place), `${place} is in the library`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Returns the compiler's output for our header with one change. */
const WRONG: [string, string, string][] = [
  [
    "pid_t xpc_connection_get_pid(",
    "uint64_t xpc_connection_get_pid(",
    "xpc_connection_get_pid is not as Apple declares it",
  ],
  [
    "xpc_shmem_map(xpc_object_t xshmem, void **region)",
    "xpc_shmem_map(xpc_object_t xshmem, const void **region)",
    "xpc_shmem_map is not as Apple declares it",
  ],
  [
    "xpc_endpoint_t xpc_endpoint_create(xpc_connection_t connection);",
    "$& XPC_EXPORT xpc_endpoint_t xpc_listener_copy_endpoint(xpc_connection_t listener);",
    "undeclared identifier 'xpc_listener_copy_endpoint'",
  ],
  [
    "void (^xpc_handler_t)(xpc_object_t object)",
    "int (^xpc_handler_t)(xpc_object_t object)",
    "typedef redefinition with different types",
  ],
  [
    "#define XPC_TYPE_INT64 (&_xpc_type_int64)",
    "#define XPC_TYPE_INT64 (&_xpc_type_uint64)",
    "XPC_TYPE_INT64 is not Apple's",
  ],
  [
    "SERVICE_LISTENER (1 << 0)",
    "SERVICE_LISTENER (1 << 1)",
    "XPC_CONNECTION_MACH_SERVICE_LISTENER is not Apple's",
  ],
  [
    "const struct _xpc_bool_s _xpc_bool_true;",
    "const struct _xpc_type_s _xpc_bool_true;",
    "redeclaration of '_xpc_bool_true' with a different type",
  ],
];

macosTest(
  "our header is as Apple's, and a wrong line fails",
  async (toolchain) => {
    const right = await readXpcHeader(ROOT);
    await checkDeclarations(toolchain, declarationProof(right));
    for (const [from, to, complaint] of WRONG) {
      assert(
        right.some(({ text }) => text.includes(from)),
        `the header has no: ${from}`,
      );
      const wrong = right.map((part) => ({
        ...part,
        text: part.text.replace(from, to),
      }));
      await assertRejects(
        () => checkDeclarations(toolchain, declarationProof(wrong)),
        CompileError,
        complaint,
      );
    }
  },
);

macosTest(
  "a name that Apple does not export fails the link",
  async (toolchain) => {
    const source = `extern void xpc_connection_activat(void *);
    __attribute__((visibility("default"))) void slb_extra(void *c);
    void slb_extra(void *c) { xpc_connection_activat(c); }`;
    await assertRejects(
      () => compileText(toolchain, source),
      CompileError,
      "undefined symbol: _xpc_connection_activat",
    );
  },
);

macosTest(
  "a name that is too new fails the check, unless it is weak",
  async (toolchain) => {
    const source = (attribute: string, condition: string): string =>
      `extern void xpc_connection_set_peer_requirement(void *, void *) ${attribute};
    __attribute__((visibility("default"))) void slb_extra(void *c);
    void slb_extra(void *c) { ${condition} xpc_connection_set_peer_requirement(c, c); }`;
    const list = "_xpc_connection_set_peer_requirement xpc/xpc.h";
    const weakList = parseImports(`${list} weak # since 26.0`);
    const stub = await toolchain.stub();
    const problems = (bytes: Uint8Array, lines: string): string[] =>
      dylibProblems(
        bytes,
        readDylib(bytes),
        parseImports(`dyld_stub_binder - # the linker's\n${lines}`),
        stub,
      );

    const strong = await compileText(toolchain, source("", ""));
    assertEquals(problems(strong, ""), [
      "arm64: _xpc_connection_set_peer_requirement is not in the reviewed list",
    ]);
    // If it is added to the list, the check with Apple's header fails.
    assertEquals(problems(strong, list), []);
    await assertRejects(
      () => checkAvailability(toolchain, parseImports(list)),
      CompileError,
      "is only available on macOS 26.0 or newer",
    );

    const weak = await compileText(
      toolchain,
      source(
        "__attribute__((weak_import))",
        "if (&xpc_connection_set_peer_requirement)",
      ),
    );
    assertEquals(problems(weak, `${list} weak # since 26.0`), []);
    await checkAvailability(toolchain, weakList);
    assertEquals(problems(strong, `${list} weak # since 26.0`), [
      "arm64: _xpc_connection_set_peer_requirement is imported strongly, " +
      "and reviewed as imported weakly",
    ]);
  },
);

macosTest("the reviewed list is what is checked", async (toolchain) => {
  const reviewed = parseImports(await Deno.readTextFile(SHIM.imports));
  assert(reviewed.length > 50);
  await checkAvailability(toolchain, reviewed);
  await assertRejects(
    () =>
      checkAvailability(toolchain, [
        ...reviewed,
        { name: "_xpc_connection_activat", header: "xpc/xpc.h", weak: false },
      ]),
    CompileError,
    "undeclared identifier 'xpc_connection_activat'",
  );
});

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  declarationProof,
  readXpcHeader,
  type XpcHeader,
  xpcNames,
} from "../../../../tools/macos/declarations.ts";
import { permittedTest } from "../../../helpers/permitted.ts";

const ROOT = new URL("../../../../", import.meta.url);

/** A header, as it is read from files. */
function headerOf(xpc: string): XpcHeader {
  return [
    {
      path: "c/linux/include/xpc/base.h",
      line: 1,
      text: "#define XPC_EXPORT extern\n",
    },
    { path: "c/linux/include/xpc/xpc.h", line: 1, text: xpc },
    {
      path: "c/linux/include/xpc/connection.h",
      line: 1,
      text: "#define XPC_FLAG (1 << 0)\n",
    },
  ];
}

Deno.test("all that a header offers is found", () => {
  const xpc = `#define __XPC_H__
#define XPC_CALL(f) f()
typedef void *xpc_object_t;
typedef unsigned char uuid_t[16];
typedef void (^xpc_handler_t)(xpc_object_t object);
typedef void (*xpc_finalizer_t)(void *value);
XPC_DECL(xpc_connection);
XPC_EXPORT XPC_TYPE(_xpc_type_bool);
XPC_EXPORT const struct _xpc_bool_s _xpc_bool_true;
XPC_EXPORT XPC_WARN_RESULT
xpc_object_t xpc_one(const char *const *keys,
                     size_t count);
XPC_EXPORT void xpc_two(void);
`;
  assertEquals(xpcNames(headerOf(xpc)), {
    functions: ["xpc_one", "xpc_two"],
    objects: ["_xpc_bool_true", "_xpc_type_bool"],
    types: [
      "xpc_object_t",
      "uuid_t",
      "xpc_handler_t",
      "xpc_finalizer_t",
      "xpc_connection_t",
    ],
    constants: ["XPC_FLAG"],
  });
});

Deno.test("an export that is not found is an error", () => {
  const xpc = "XPC_EXPORT void (*xpc_table)(int);\n";
  assertThrows(
    () => declarationProof(headerOf(xpc)),
    Error,
    "Of 1 exports of the header 0 functions and 0 objects were found",
  );
});

permittedTest("no function, object or constant of our header is left out", {
  read: true,
}, async () => {
  const header = await readXpcHeader(ROOT);
  const { functions, objects, constants } = xpcNames(header);
  // Counted in another way: by statements.
  const statements = header.map(({ text }) => text).join("")
    .replace(/^#.*$/gm, "").split(";")
    .filter((statement) => /\bXPC_EXPORT\b/.test(statement));
  const calls = statements.filter((statement) =>
    /\(/.test(statement.replace(/XPC_(PRINTF|TYPE|DECL)\([^)]*\)/, ""))
  );
  assertEquals(functions.length, calls.length);
  assertEquals(objects.length, statements.length - calls.length);
  assertEquals(
    new Set([...functions, ...objects, ...constants]).size,
    functions.length + objects.length + constants.length,
  );
  const proof = declarationProof(header);
  for (const name of [...functions, ...constants]) {
    assert(
      proof.includes(`__typeof__(ours_${name}), __typeof__(${name})`),
      `${name} is not compared`,
    );
  }
  for (const name of ["xpc_endpoint_create", "xpc_shmem_create"]) {
    assert(functions.includes(name));
  }
});

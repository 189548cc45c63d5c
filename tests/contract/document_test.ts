import { assertEquals, assertStringIncludes } from "@std/assert";
import { quoteProblems, readDocumentation } from "./apple.ts";
import type { Case } from "./suite.ts";
import { columnOf, readColumn, renderDocument } from "./table.ts";

const PREPROCESSED = `# 1 "/headers/stdio.h" 1
/*!
 * @function xpc_elsewhere
 * Does not belong to XPC.
 */
# 1 "/headers/xpc/connection.h" 1 3
/*!
 * @function xpc_connection_cancel
 * Cancels the connection and ensures that
 *   its event handler will not fire again.
 */
void xpc_connection_cancel(xpc_connection_t connection);
/*! @constant XPC_ERROR is one line. */
# 9 "/headers/all.c" 2
/*! @function xpc_of_nobody */
`;

const row: Case = {
  group: "Ends",
  case: "own cancel",
  header: "connection.h",
  symbol: "xpc_connection_cancel",
  sentence: "ensures that its event handler will not fire again",
  differs: "",
  others: 0,
};

Deno.test("documentation is found by header and symbol", () => {
  assertEquals([...readDocumentation(PREPROCESSED).keys()], [
    "connection.h xpc_connection_cancel",
    "connection.h XPC_ERROR",
  ]);
});

Deno.test("a quotation has to be in its header, at its symbol", () => {
  const apple = readDocumentation(PREPROCESSED);
  const problems = (change: Partial<Case>): number =>
    quoteProblems([{ ...row, ...change }], apple, "what ours says").length;
  assertEquals(problems({}), 0);
  assertEquals(problems({ header: "ours", sentence: "ours says" }), 0);
  assertEquals(problems({ sentence: "will not fire ever again" }), 1);
  assertEquals(problems({ header: "xpc.h" }), 1);
  assertEquals(problems({ symbol: "XPC_ERROR" }), 1);
  assertEquals(problems({ header: "ours" }), 1);
});

Deno.test("the document has a row a case, and each system's column can be read back", () => {
  const other: Case = { ...row, case: "other", differs: "it is another" };
  const document = renderDocument(
    [row, other],
    columnOf([
      { case: "own cancel", result: "passed", detail: "" },
      { case: "other", result: "differs", detail: "it is another" },
    ]),
    columnOf([{ case: "own cancel", result: "failed", detail: "why\nmore" }]),
  );
  assertStringIncludes(document, "- _other_: it is another.");
  assertStringIncludes(document, "2 cases. Linux: 1 passed, 1 differ.");
  assertEquals(readColumn(document, "linux").get("other"), "differs");
  assertEquals(readColumn(document, "macos").get("own cancel"), "failed: why");
});

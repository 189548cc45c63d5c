import { assertEquals } from "@std/assert";
import { hungFailure, reportedFailure } from "../../../host/client_failure.ts";
import {
  placeInPython,
  textOfPython,
  withTextFirst,
} from "../../../host/python_stack.ts";

const CALLS = `Traceback (most recent call last):
  File "/x/client/python/streamlib_bridge/_runner.py", line 80, in run
    self._call(process)
  File "/app/blur.py", line 12, in process
    blur(frame)
    ^^^^^^^^^^^
  File "/app/parts/kernel.py", line 3, in blur
    raise ValueError("no kernel")`;
const TEXT = "ValueError: no kernel\nwith a second line";
const STACK = `${CALLS}\n${TEXT}\n`;

Deno.test("a stack of Python: its text is last, and its innermost call before it", () => {
  assertEquals(textOfPython(STACK), TEXT);
  assertEquals(
    placeInPython(STACK),
    'File "/app/parts/kernel.py", line 3, in blur',
  );
  assertEquals(withTextFirst(STACK, TEXT), `${TEXT}\n${CALLS}`);
  const stack = "Error: no\n    at f (file:///a.ts:1:2)";
  assertEquals(withTextFirst(stack, "Error: no"), stack);
});

Deno.test("a stack of Python: of several errors the last counts; the user's code stands before a package's", () => {
  const inNumpy = `${STACK}
During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/blur.py", line 14, in process
    numpy.dot(1)
  File "/usr/lib/python3.12/site-packages/numpy/core.py", line 9, in dot
    raise TypeError("dot")
TypeError: dot`;
  assertEquals(textOfPython(inNumpy), "TypeError: dot");
  assertEquals(
    placeInPython(inNumpy),
    'File "/app/blur.py", line 14, in process',
  );
  const syntax = `Traceback (most recent call last):
  File "/home/.streamlib/lib/ab12/streamlib_bridge/_runner.py", line 80, in load
    exec(code)
  File "<frozen importlib._bootstrap_external>", line 995, in exec_module
  File "/app/blur.py", line 2
    def process(
               ^
SyntaxError: '(' was never closed`;
  assertEquals(placeInPython(syntax), 'File "/app/blur.py", line 2');
  assertEquals(placeInPython("Traceback (most recent call last):\nE"), "");
});

Deno.test("the failure of a client in Python begins with the error's text, whatever the report's is", () => {
  const expected = `the client failed: ${TEXT} (in process())\n` +
    '    File "/app/parts/kernel.py", line 3, in blur';
  for (
    const body of [{ error: TEXT, stack: STACK }, { error: STACK }, {
      error: TEXT,
      stack: `${TEXT}\n${CALLS}`,
    }]
  ) {
    const { reason, cause } = reportedFailure(body, "open", "in process()");
    assertEquals(reason, expected);
    assertEquals(cause?.stack, `${TEXT}\n${CALLS}`);
    assertEquals([cause?.name, cause?.message], [
      "ValueError",
      "no kernel\nwith a second line",
    ]);
  }
  const { reason } = reportedFailure(
    { error: "E: no" },
    "open",
    "",
    (text) => `\nnote on ${text}`,
  );
  assertEquals(reason, "the client failed: E: no\nnote on E: no");
});

Deno.test("the failure of a client in Python that hung names the place in the user's code, and has the whole stack as its cause", () => {
  const failure = { code: "client_hung", reason: "the client hangs" } as const;
  const dump = `Stack (most recent call first):
  File "/usr/lib/python3.11/site-packages/numpy/core.py", line 7 in dot
  File "/app/parts/kernel.py", line 3 in blur
  File "/app/blur.py", line 14 in process
  File "/home/.streamlib/lib/ab12/streamlib_bridge/_loops.py", line 70 in during`;
  const inOrder = dump.split("\n").slice(1).reverse().join("\n");
  for (
    const tail of [
      dump,
      `Stack (most recent call first):\n  File "/app/old.py", line 1 in f\nwords\n${dump}`,
      `words\n${dump}\nmore words\n  File "/app/no.py", line 2 in g`,
    ]
  ) {
    const { code, reason, cause } = hungFailure(failure, tail);
    assertEquals(code, "client_hung");
    assertEquals(
      reason,
      'the client hangs\n    File "/app/parts/kernel.py", line 3 in blur',
    );
    assertEquals(
      cause?.stack,
      `the client hung here\nTraceback (most recent call last):\n${inOrder}`,
    );
  }
  for (
    const tail of [
      "",
      "words",
      "Stack (most recent call first):",
      dump.slice(40),
    ]
  ) {
    assertEquals(hungFailure(failure, tail), failure);
  }
});

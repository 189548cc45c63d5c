import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  BridgeError,
  codeOf,
  describeError,
  failureReason,
  firstError,
  stackOf,
} from "../../../proto/errors.ts";
import { MAX_ERROR_LENGTH } from "../../../proto/limits.ts";

const refused = new BridgeError("not_permitted", "Cannot do it: refused");
const late = new RangeError("too late");

/** Returns the error of a scope whose body throws one error and whose disposal throws the other. */
function suppressing(first: unknown, second: unknown): unknown {
  try {
    using _held = {
      [Symbol.dispose]() {
        throw second;
      },
    };
    throw first;
  } catch (error) {
    return error;
  }
}

Deno.test("a reason is the words of a BridgeError, and the stack of another", () => {
  assertEquals(failureReason(refused), "Cannot do it: refused");
  assertEquals(failureReason(late), late.stack);
  assertEquals(failureReason("text"), "text");
  assertEquals(stackOf(refused), refused.stack);
  assertEquals(stackOf("text"), undefined);
});

Deno.test("of two errors the first is the reason, and both are told", () => {
  const both = suppressing(refused, late);
  assert(both instanceof SuppressedError);
  assertEquals(firstError(both), refused);
  assertEquals(
    failureReason(both),
    `Cannot do it: refused\nThen a disposal failed too: ${late.stack}`,
  );
  assertEquals(
    stackOf(both),
    `${refused.stack}\nThen a disposal failed too: ${late.stack}`,
  );
});

Deno.test("an error is the reason however many disposals fail after it", () => {
  const all = suppressing(suppressing("text", late), refused);
  assertEquals(firstError(all), "text");
  assertEquals(
    failureReason(all),
    `text\nThen a disposal failed too: ${late.stack}\n` +
      "Then a disposal failed too: Cannot do it: refused",
  );
});

Deno.test("one line of text has name and message, of both errors where there are two", () => {
  assertEquals(describeError(late), "RangeError: too late");
  assertEquals(describeError("text"), "text");
  assertEquals(
    describeError(suppressing(refused, late)),
    "BridgeError: Cannot do it: refused; " +
      "then a disposal failed too: RangeError: too late",
  );
});

Deno.test("whatever is thrown is described, and nothing throws", () => {
  const evil = Object.defineProperty(new Error("x"), "stack", {
    get() {
      throw new Error("evil");
    },
  });
  const proxy = new Proxy({}, {
    getPrototypeOf() {
      throw new Error("no");
    },
    get() {
      throw new Error("no");
    },
  });
  const cases: [unknown, string][] = [
    [null, "null was thrown, which is not an Error"],
    [undefined, "undefined was thrown, which is not an Error"],
    [{ a: 1 }, '{"a":1} was thrown, which is not an Error'],
    [Symbol("s"), "Symbol(s) was thrown, which is not an Error"],
    [proxy, "something was thrown that cannot be shown as text"],
    [evil, "Error: x"],
  ];
  for (const [value, words] of cases) {
    assertEquals(describeError(value), words);
    assertEquals(failureReason(value), words);
    assert(firstError(value) === value);
    assertEquals(codeOf(value), undefined);
  }
});

Deno.test("a message of any length and content is cut and escaped, and its stack keeps the places", () => {
  const error = new BridgeError("closed", "\x1b[31mred\0" + "y".repeat(3e6));
  assert(error.message.startsWith("red\\u0000y"));
  assert(error.message.length <= MAX_ERROR_LENGTH);
  const stack = stackOf(new Error("M".repeat(3e6), { cause: late }))!;
  assert(stack.includes("errors_test.ts") && stack.includes("Caused by: "));
  assert(stack.length <= MAX_ERROR_LENGTH);
});

Deno.test("an AggregateError tells what it holds", () => {
  const held = [new TypeError("no codec"), "a text", null];
  const error = new AggregateError(held, "All promises were rejected");
  assertEquals(
    describeError(error),
    "AggregateError: All promises were rejected (TypeError: no codec; a text; " +
      "null was thrown, which is not an Error)",
  );
  const stack = stackOf(new Error("cannot load", { cause: error }))!;
  assertStringIncludes(stack, "Caused by: AggregateError: All promises");
  assertStringIncludes(stack, "\nIt holds: TypeError: no codec\n    at ");
  assertStringIncludes(stack, "\nIt holds: a text");
  const many = new AggregateError(Array.from({ length: 1e5 }, () => held[0]));
  assertEquals(describeError(many).match(/no codec/g)?.length, 8);
  const itself = new AggregateError([], "itself");
  itself.errors.push(itself);
  assertEquals(
    describeError(itself),
    "AggregateError: itself (AggregateError: itself)",
  );
  Object.assign(itself, { errors: 5 });
  assertEquals(describeError(itself), "AggregateError: itself");
});

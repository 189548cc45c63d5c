/**
 * Reads the stacks of Python, which put the text of an error last and the innermost
 * call before it.
 *
 * @module
 */

/** How a stack begins. An exception with causes has several. */
const HEAD = "Traceback (most recent call last):";
/** How the stack begins that Python writes when a signal ends it: the innermost call is first. */
const ENDED_HEAD = "Stack (most recent call first):\n";
const PLACE = /^ +File "([^"]+)", line \d+/;
/** Files of this library's package, and those that Python has in itself. */
const OURS = /\/streamlib_bridge\/[^/]+\.py$|^<frozen /;
/** Files of installed packages and of Python's own library. */
const INSTALLED = /\/(?:site|dist)-packages\/|\/lib(?:64)?\/python3/;

/** Whether a stack is one of Python. */
export function hasPythonCalls(stack: string): boolean {
  return isPythonStack(stack) || stack.includes(`\n${HEAD}`);
}

/** Whether a text begins as a stack of Python. */
export function isPythonStack(text: string): boolean {
  return text.startsWith(HEAD);
}

/** Returns the text of the error with which a stack ends: its lines that are not indented, after the last call. */
export function textOfPython(stack: string): string {
  const lines = stack.trimEnd().split("\n");
  const last = lines.findLastIndex((line) => PLACE.test(line));
  const begin = lines.findIndex((line, at) => at > last && !/^\s/.test(line));
  return begin < 0 ? lines.at(-1)! : lines.slice(begin).join("\n");
}

/**
 * Returns the place where the user's code failed, as Python shows it: the innermost
 * call in a file of the user; in one of an installed package if there is no other;
 * "" if there is none.
 */
export function placeInPython(stack: string): string {
  const places = stack.split("\n").flatMap((line) => {
    const [, file] = PLACE.exec(line) ?? [];
    return file === undefined || OURS.test(file)
      ? []
      : [{ file, place: line.trim() }];
  });
  const own = places.findLast(({ file }) => !INSTALLED.test(file));
  return (own ?? places.at(-1))?.place ?? "";
}

/** Returns a stack with the text of its error first, as those of JavaScript have it. */
export function withTextFirst(stack: string, text: string): string {
  if (!isPythonStack(stack)) return stack;
  const end = stack.trimEnd();
  const calls = end.endsWith(text) ? end.slice(0, -text.length).trimEnd() : end;
  return `${text}\n${calls}`;
}

/** Returns the last stack that a client has written because a signal ended it, as one of an exception; "" if there is none. */
export function stackWhenEnded(stderrTail: string): string {
  const [, ...dumps] = stderrTail.split(ENDED_HEAD);
  if (dumps.length === 0) return "";
  const lines = dumps.at(-1)!.split("\n");
  const end = lines.findIndex((line) => !PLACE.test(line));
  const calls = lines.slice(0, end < 0 ? undefined : end);
  return [HEAD, ...calls.reverse()].join("\n");
}

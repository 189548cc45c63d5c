import { assert, assertEquals } from "@std/assert";
import { COMMANDS } from "../../../cli/commands.ts";
import { bashCompletion } from "../../../cli/completions/bash.ts";
import { fishCompletion } from "../../../cli/completions/fish.ts";
import { placeKey, places } from "../../../cli/completions/words.ts";
import { zshCompletion } from "../../../cli/completions/zsh.ts";

Deno.test("completions: every command, option and choice has its place", () => {
  const all = new Map(
    places(COMMANDS).map((place) => [placeKey(place), place]),
  );
  const words = (key: string): string[] =>
    [...all.get(key)!.next, ...all.get(key)!.operands].map(({ word }) => word);
  assertEquals(words(""), [
    "broker",
    "runtimes",
    "logs",
    "run",
    "inspect",
    "demo",
    "completions",
    "help",
  ]);
  assertEquals(words("/runtimes"), ["list", "prune"]);
  assertEquals(words("/completions"), ["bash", "zsh", "fish"]);
  for (const { path, options } of COMMANDS) {
    const place = all.get(path.map((word) => `/${word}`).join(""))!;
    assertEquals(place.options.slice(0, -1), [...options]);
    assertEquals(place.options.at(-1)?.name, "help");
  }
});

Deno.test("completions: each shell's script knows every option and choice", () => {
  const scripts = [bashCompletion, zshCompletion, fishCompletion]
    .map((write) => write(COMMANDS));
  for (const script of scripts) {
    assert(script.endsWith("\n"));
    for (const { path, options } of COMMANDS) {
      for (const word of path) assert(script.includes(word), word);
      for (const { name, value } of options) {
        assert(script.includes(name), name);
        const choices = value?.choices?.join(" ") ?? "";
        assert(script.includes(choices), choices);
      }
    }
  }
});

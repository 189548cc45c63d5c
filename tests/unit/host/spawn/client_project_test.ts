import { assertEquals } from "@std/assert";
import { findLock, parseJsonc } from "../../../../host/spawn/client_project.ts";

/** Finds the lock file of the module's folder "/home/app/src" among these files. */
function found(
  files: Record<string, string>,
  config?: string,
): string | undefined {
  const reader = { read: (path: string) => files[path] };
  const lock = findLock("/home/app/src", config, reader);
  if (lock !== undefined) assertEquals(files[lock.path], lock.text);
  return lock?.text;
}

Deno.test("the lock file: beside the nearest deno.json or package.json", () => {
  const lock = { "/home/app/deno.lock": "app", "/home/deno.lock": "home" };
  assertEquals(found(lock), undefined); // there is no project
  for (const name of ["deno.json", "deno.jsonc", "package.json"]) {
    assertEquals(found({ ...lock, [`/home/app/${name}`]: "{}" }), "app");
    assertEquals(found({ ...lock, [`/home/${name}`]: "{}" }), "home");
  }
  assertEquals(found({ "/deno.json": "{}", "/deno.lock": "root" }), "root");
  assertEquals(
    found({ "/home/app/deno.json": "{}", "/home/app/deno.lock": " \n" }),
    undefined,
  );
});

Deno.test("the lock file: the one that deno.json names, or none", () => {
  const files = { "/home/app/my.lock": "mine", "/home/app/deno.lock": "app" };
  const withLock = (lock: unknown): string | undefined =>
    found({ ...files, "/home/app/deno.json": JSON.stringify({ lock }) });
  assertEquals(withLock("my.lock"), "mine");
  assertEquals(withLock("/home/app/my.lock"), "mine");
  assertEquals(withLock({ path: "my.lock", frozen: true }), "mine");
  assertEquals(withLock({ frozen: true }), "app");
  assertEquals(withLock(true), "app");
  assertEquals(withLock(false), undefined);
  assertEquals(withLock("gone.lock"), undefined);
});

Deno.test("the lock file: a member of a workspace has that of the workspace", () => {
  const files = { "/home/deno.lock": "home", "/home/app/deno.lock": "app" };
  for (
    const root of [
      { "/home/deno.json": '{"workspace":["app"]}' },
      { "/home/package.json": '{"workspaces":["app"]}' },
    ]
  ) {
    assertEquals(
      found({ ...files, ...root, "/home/app/deno.json": "{}" }),
      "home",
    );
  }
});

Deno.test("the lock file: of the configuration that was chosen", () => {
  assertEquals(
    found({
      "/home/app/deno.json": "{}",
      "/home/app/deno.lock": "app",
      "/etc/app/deno.json": "{}",
      "/etc/app/deno.lock": "chosen",
    }, "/etc/app/deno.json"),
    "chosen",
  );
});

Deno.test("deno.json: comments and last commas are left out, but not in strings", () => {
  assertEquals(
    parseJsonc('{ // one\n "a": "//x,]", /* two\n */ "b": [1, 2,], }'),
    { a: "//x,]", b: [1, 2] },
  );
  assertEquals(parseJsonc("{ broken"), {});
  assertEquals(parseJsonc(undefined), {});
});

import { assertEquals } from "@std/assert";
import {
  cleanedFolder,
  macHome,
  refusedFolder,
} from "../../../launchd/mac_folders.ts";
import { namesOf } from "../../helpers/service.ts";

const HOME = "/Users/ada";

Deno.test("folders of a Mac: what macOS does not let launchd's programs read", () => {
  const table: [path: string, folder: string | undefined][] = [
    [`${HOME}/Documents/streamlib/mod.ts`, `${HOME}/Documents`],
    [`${HOME}/documents/streamlib`, `${HOME}/Documents`],
    [`${HOME}/Desktop/x`, `${HOME}/Desktop`],
    [`${HOME}/Downloads/x`, `${HOME}/Downloads`],
    [
      `${HOME}/Library/Mobile Documents/com~apple~CloudDocs/x`,
      `${HOME}/Library/Mobile Documents`,
    ],
    [`${HOME}/Library/CloudStorage/Box/x`, `${HOME}/Library/CloudStorage`],
    ["/Volumes/Stick/streamlib", "/Volumes/Stick"],
    [`/System/Volumes/Data${HOME}/Documents/x`, `${HOME}/Documents`],
    // Not the folder of this user, or not the folder itself.
    ["/Users/eve/Documents/x", undefined],
    [`${HOME}/Documents2/x`, undefined],
    [`${HOME}/src/Documents/x`, undefined],
    ["/opt/streamlib", undefined],
    ["/Volumes", undefined],
  ];
  for (const [path, folder] of table) {
    assertEquals([path, refusedFolder(path, HOME)?.folder], [path, folder]);
  }
  const moved = refusedFolder(
    `${HOME}/Documents/x`,
    `/System/Volumes/Data${HOME}`,
  );
  assertEquals(moved, { folder: `${HOME}/Documents`, kind: "refused" });
});

Deno.test("folders of a Mac: caches and temporary folders", () => {
  const table: [path: string, folder: string | undefined][] = [
    [
      `${HOME}/.npm/_npx/ab12/node_modules/@deno/darwin-arm64/deno`,
      `${HOME}/.npm/_npx`,
    ],
    ["/opt/cache/_npx/ab12/deno", "/opt/cache/_npx"],
    [`${HOME}/Library/Caches/pnpm/dlx/deno`, `${HOME}/Library/Caches`],
    [`${HOME}/.cache/deno`, `${HOME}/.cache`],
    ["/private/tmp/deno", "/private/tmp"],
    ["/private/var/folders/xy/T/deno", "/private/var/folders"],
    [`${HOME}/.deno/bin/deno`, undefined],
    ["/opt/homebrew/Cellar/deno/2.9.3/bin/deno", undefined],
    ["/usr/local/lib/node_modules/deno/bin.cjs", undefined],
  ];
  for (const [path, folder] of table) {
    assertEquals([path, cleanedFolder(path, HOME)?.folder], [path, folder]);
  }
});

Deno.test("folders of a Mac: only the names of a Mac have its home", () => {
  assertEquals(macHome(namesOf(HOME, "darwin")), HOME);
  assertEquals(
    macHome(namesOf(HOME, "darwin", { STREAMLIB_HOME: "/data" })),
    HOME,
  );
  assertEquals(macHome(namesOf("/home/ada", "linux")), undefined);
});

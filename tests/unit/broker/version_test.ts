import { assertEquals, assertMatch } from "@std/assert";
import { versionInfo } from "../../../broker/version.ts";
import config from "../../../deno.json" with { type: "json" };

Deno.test("versionInfo: the package's own version, unknown without a stamp", () => {
  assertEquals(versionInfo({}), {
    version: config.version,
    git_commit: "unknown",
    build_date: "unknown",
    protocol_version: 1,
  });
  assertMatch(versionInfo().git_commit, /^([0-9a-f]{40}(-dirty)?|unknown)$/);
  const built = versionInfo({ gitCommit: "abc", buildDate: "2026-01-02" });
  assertEquals([built.git_commit, built.build_date], ["abc", "2026-01-02"]);
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { brokerDoctor } from "../../../../cli/commands/broker_doctor.ts";
import { ALL_LINKS, examine } from "../../../../cli/doctor/doctor.ts";
import type {
  Examination,
  Known,
  Link,
} from "../../../../cli/doctor/examination.ts";
import {
  broken,
  type Finding,
  LINKS,
  ok,
  shellQuoted,
} from "../../../../cli/doctor/finding.ts";
import { whatHangs } from "../../../../cli/doctor/hang.ts";
import { judgeDeno } from "../../../../cli/doctor/links/deno_version.ts";
import { judgeEnvironment } from "../../../../cli/doctor/links/environment.ts";
import { judgeFrames } from "../../../../cli/doctor/links/frames.ts";
import { judgeShim } from "../../../../cli/doctor/links/shim.ts";
import { socketsLink } from "../../../../cli/doctor/links/sockets.ts";
import { judgeTeardown } from "../../../../cli/doctor/links/teardown.ts";
import { judgeXpc } from "../../../../cli/doctor/links/xpc.ts";
import { linksBehind, type Need } from "../../../../cli/doctor/needs.ts";
import { names } from "../../../../proto/names.ts";
import { TestConsole } from "../../../helpers/cli.ts";
import { FakeLaunchd, USER_ID } from "../../../helpers/launchd.ts";
import { permittedTest } from "../../../helpers/permitted.ts";

function examination(
  known: Known = {},
): Examination & { console: TestConsole } {
  const console = new TestConsole();
  return {
    console,
    deno: "2.9.3",
    endpoint: undefined,
    known: { names: names(console.env, { os: "linux" }), ...known },
    probe: () => {
      throw new Error("the probe was asked for");
    },
  };
}

Deno.test("doctor: what is known of versions of Deno", () => {
  const table: [version: string, state: string, words: string][] = [
    ["1.46.3", "broken", "too old"],
    ["2.6.10", "broken", "too old"],
    ["2.7.0", "ok", "2.7.0"],
    ["2.8.3", "ok", "2.8.3"],
    ["2.9.3", "ok", "2.9.3"],
    ["2.9.4", "broken", "fault"],
    ["2.9.5", "broken", "fault"],
    ["2.9.6", "broken", "fault"],
    ["2.9.7", "note", "newer"],
    ["2.10.0-rc.1", "note", "newer"],
    ["3.0.0", "note", "newer"],
  ];
  for (const [version, state, words] of table) {
    const finding = judgeDeno(version);
    assertEquals([version, finding.state], [version, state]);
    assertStringIncludes(finding.found, words);
    assertEquals(
      finding.mend,
      state === "broken" ? "deno upgrade --version 2.9.3" : undefined,
    );
  }
});

Deno.test("doctor: a variable that cannot be used is named, and stands before all else", () => {
  const env = new Map([["HOME", "/home/ada"], ["STREAMLIB_BROKER_PORT", "0"]]);
  const finding = judgeEnvironment(env);
  assertEquals(finding.state, "broken");
  assertEquals(finding.mend, "unset STREAMLIB_BROKER_PORT");
  assertEquals(finding.blocks, LINKS.slice(3));
});

Deno.test("doctor: proxies are a note, with advice where others could be led astray", () => {
  assertEquals(judgeEnvironment(new Map()).state, "ok");
  assertEquals(judgeEnvironment(new Map([["http_proxy", ""]])).state, "ok");
  const env = new Map([["HTTPS_PROXY", "http://proxy:3128"]]);
  const plain = judgeEnvironment(env);
  assertEquals([plain.state, plain.mend], ["note", undefined]);
  assertStringIncludes(plain.found, "HTTPS_PROXY is set but not used");
  const tcp = judgeEnvironment(env, "127.0.0.1:50051");
  assertEquals(tcp.mend, "export no_proxy=127.0.0.1");
  env.set("STREAMLIB_BROKER_ENDPOINT", "unix:/run/b");
  assertEquals(judgeEnvironment(env).mend, undefined);
});

Deno.test("doctor: the variable of a bootstrap is shown with this library's", () => {
  const env = new Map([["STREAMLIB_BOOTSTRAP", "100:7"]]);
  assertEquals(judgeEnvironment(env).found, "STREAMLIB_BOOTSTRAP=100:7");
});

Deno.test("doctor: a word for a shell", () => {
  assertEquals(shellQuoted("/a/b-c.d"), "/a/b-c.d");
  assertEquals(shellQuoted("a b"), "'a b'");
  assertEquals(shellQuoted("it's"), "'it'\\''s'");
  assertEquals(shellQuoted("$(x)"), "'$(x)'");
});

Deno.test("doctor: what the probe says of the shim", () => {
  assertEquals(
    judgeShim({ facts: { source: "package", abi: 3 } }, false).found,
    "ABI 3, from the package, in no file",
  );
  assertEquals(
    judgeShim({ facts: { source: "build", abi: 3, path: "/s.so" } }, false)
      .found,
    "ABI 3, built in this checkout: /s.so",
  );
  const missing = { code: "library_not_found", message: "Cannot load" };
  const named = judgeShim({ failure: missing }, true);
  assertEquals(
    [named.state, named.found, named.mend],
    ["broken", "it cannot be loaded", "unset STREAMLIB_LIBRARY"],
  );
  assertEquals(judgeShim({ failure: missing }, false).mend, "deno task build");
  assertEquals(
    judgeShim({ failure: { ...missing, code: "version_mismatch" } }, false)
      .found,
    "it has another version",
  );
});

Deno.test("doctor: nobody behind the service's name is a note, unless that very name was asked for", async () => {
  const failure = { code: "broker_unreachable", message: "nobody" };
  const alone = await judgeXpc(failure, examination());
  assertEquals(
    [alone.state, alone.mend],
    ["note", "streamlib broker install"],
  );
  const given = examination();
  given.console.env.set("STREAMLIB_BROKER_XPC_SERVICE", "com.example.mine");
  const only = await judgeXpc(failure, given);
  assertEquals(
    [only.state, only.unreachable, only.mend],
    ["broken", true, "unset STREAMLIB_BROKER_XPC_SERVICE"],
  );
  assert(only.blocks?.includes("handshake"));
  const other = await judgeXpc(failure, examination({ answered: true }));
  assertEquals([other.state, other.unreachable], ["broken", true]);
  assertStringIncludes(other.why!, "another name");
});

Deno.test("doctor: frames that were lost, changed or copied are broken", () => {
  const facts = {
    sent: 30,
    received: 30,
    verified: 30,
    pixel_bytes_copied: 0,
    path: "lane",
    round_trip_ms: 1,
  } as const;
  assertEquals(judgeFrames({ facts }), {
    link: "frames",
    state: "ok",
    found:
      "30 sent, 30 received, 30 verified, 0 pixel bytes copied, through a lane, 1 ms",
  });
  const slower = judgeFrames({ facts: { ...facts, path: "dictionary" } });
  assertEquals(slower.state, "note");
  assertStringIncludes(slower.found, "0 pixel bytes copied, as dictionaries");
  for (
    const wrong of [{ received: 29, verified: 29 }, { verified: 29 }, {
      pixel_bytes_copied: 4,
    }]
  ) {
    const { state } = judgeFrames({ facts: { ...facts, ...wrong } });
    assertEquals([wrong, state], [wrong, "broken"]);
  }
  const failure = { code: "timed_out", message: "late" };
  assertEquals(judgeFrames({ failure }).blocks, ["control plane"]);
  assertEquals(judgeTeardown({ facts: { left: 0, ms: 1 } }).state, "ok");
  assertEquals(judgeTeardown({ facts: { left: 1, ms: 1 } }).state, "broken");
  assertEquals(judgeTeardown({ failure }).state, "broken");
});

Deno.test("doctor: a broken link has what it stands before skipped, once and by its name", async () => {
  assertEquals(ALL_LINKS.map(({ name }) => name), [...LINKS]);
  const looked: string[] = [];
  const link = (name: Link["name"], blocks?: Finding["blocks"]): Link => ({
    name,
    check: () => {
      looked.push(name);
      return blocks
        ? broken(name, "broken", { why: "so", mend: "x", blocks })
        : ok(name, "well");
    },
  });
  const findings = await Array.fromAsync(examine(examination(), [
    link("shim", ["xpc", "frames"]),
    link("sockets", ["frames", "grpc"]),
    link("grpc"),
    link("xpc"),
    link("handshake"),
    link("frames"),
  ]));
  assertEquals(looked, ["shim", "sockets", "handshake"]);
  assertEquals(findings.map(({ state, found }) => `${state} ${found}`), [
    "broken broken",
    "broken broken",
    "skipped because of sockets",
    "skipped because of shim",
    "ok well",
    "skipped because of shim",
  ]);
});

Deno.test("doctor: what is skipped after a fault, by what the fault takes away", () => {
  const behindHandshake = ["frames", "control plane", "teardown"];
  const table: [lost: Need[], skipped: readonly string[]][] = [
    [["deno"], []],
    [["environment"], LINKS.slice(3)],
    [["bootstrap"], []],
    [["names"], LINKS.slice(5)],
    [["shim"], ["xpc", "handshake", ...behindHandshake]],
    [["run directory"], ["xpc", "handshake", ...behindHandshake]],
    [["names in the bootstrap"], ["xpc", "handshake", ...behindHandshake]],
    [["xpc socket"], ["xpc"]],
    [["grpc socket"], ["grpc", "control plane"]],
    [["grpc socket", "xpc socket"], ["grpc", "xpc", "control plane"]],
    [["grpc"], ["control plane"]],
    [["xpc"], []], // hosts run their own broker
    [["broker for hosts"], ["handshake", ...behindHandshake]],
    [["handshake"], behindHandshake],
    [["frames"], ["control plane"]],
    [["control plane"], []],
    [["teardown"], []],
    [[], []],
  ];
  for (const [lost, skipped] of table) {
    assertEquals([lost, linksBehind(...lost)], [lost, [...skipped]]);
  }
});

Deno.test("doctor: its help names every link", () => {
  for (const name of LINKS) {
    assertStringIncludes(brokerDoctor.json!.fields["link"]!, name);
  }
});

permittedTest(
  "doctor: a broker that launchd runs and that does not answer is named by its process",
  { read: true, env: true },
  async () => {
    const launchd = new FakeLaunchd();
    Object.assign(launchd, { loaded: true, pid: 4711 });
    const mac = examination();
    mac.known.names = names(mac.console.env, { os: "darwin" });
    mac.console.runProgram = (program, args) =>
      program === "ps"
        ? Promise.resolve({ code: 0, stdout: "T\n", stderr: "" })
        : launchd.programs.run(program, args);
    mac.console.userId = () => USER_ID;
    const stopped = await whatHangs(mac);
    assertStringIncludes(stopped.why, "process 4711, is stopped");
    assertEquals(stopped.mend, "kill -CONT 4711");
    // What cannot be asked is done without.
    launchd.session = "System";
    assertStringIncludes((await whatHangs(mac)).why, "accepts nothing");
  },
);

permittedTest(
  "doctor: a socket that launchd made with another mode is a note, in a private directory only",
  { read: true, write: true, net: true, env: true },
  async () => {
    const home = await Deno.makeTempDir();
    try {
      const mac = examination();
      const { uid } = await Deno.stat(home);
      mac.console.userId = () => uid!;
      const env = new Map([["HOME", home], ["STREAMLIB_HOME", home]]);
      mac.known.names = names(env, { os: "darwin" });
      const { grpcSocket: path, runDirectory } = mac.known.names;
      await Deno.mkdir(runDirectory, { mode: 0o700 });
      using _ = Deno.listen({ transport: "unix", path });
      await Deno.chmod(path, 0o777);
      const shielded = await socketsLink.check(mac);
      assertEquals(shielded.state, "note");
      assertStringIncludes(shielded.found, "has mode 0777");
      await Deno.chmod(runDirectory, 0o755);
      assertEquals((await socketsLink.check(mac)).state, "broken");
      await Deno.chmod(runDirectory, 0o700);
      mac.known.names = names(env, { os: "linux" });
      assertEquals((await socketsLink.check(mac)).state, "broken");
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  },
);

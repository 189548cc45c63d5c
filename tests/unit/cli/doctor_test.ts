import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readArguments } from "../../../cli/arguments.ts";
import { brokerDoctor } from "../../../cli/commands/broker_doctor.ts";
import { demo } from "../../../cli/commands/demo.ts";
import {
  judgeFrames,
  judgeShim,
  judgeTeardown,
  judgeXpc,
} from "../../../cli/doctor/child.ts";
import { judgeDeno } from "../../../cli/doctor/deno_version.ts";
import { ALL_LINKS, examine } from "../../../cli/doctor/doctor.ts";
import { judgeEnvironment } from "../../../cli/doctor/environment.ts";
import type {
  Examination,
  Known,
  Link,
} from "../../../cli/doctor/examination.ts";
import {
  broken,
  type Finding,
  LINKS,
  note,
  ok,
  shellQuoted,
} from "../../../cli/doctor/finding.ts";
import { isOfService, mismatchIn } from "../../../cli/doctor/installed.ts";
import {
  directoryFault,
  type PathInfo,
  socketFault,
} from "../../../cli/doctor/paths.ts";
import { closingLines, findingLines } from "../../../cli/doctor/report.ts";
import {
  argumentsFor,
  demoProgram,
  probeProgram,
} from "../../../cli/own_programs.ts";
import { agentPlist } from "../../../launchd/agent.ts";
import { serviceUnit, socketUnit } from "../../../launchd/units.ts";
import { names } from "../../../proto/names.ts";
import { TestConsole } from "../../helpers/cli.ts";
import { permittedTest } from "../../helpers/permitted.ts";

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
  assertEquals(finding.blocks, LINKS.slice(2));
});

Deno.test("doctor: proxies are a note, with advice where others could be led astray", () => {
  assertEquals(judgeEnvironment(new Map()).state, "ok");
  assertEquals(judgeEnvironment(new Map([["http_proxy", ""]])).state, "ok");
  const env = new Map([["HTTPS_PROXY", "http://proxy:3128"]]);
  const plain = judgeEnvironment(env);
  assertEquals([plain.state, plain.mend], ["note", undefined]);
  assertStringIncludes(plain.found, "HTTPS_PROXY is set, and not used");
  const tcp = judgeEnvironment(env, "127.0.0.1:50051");
  assertEquals(tcp.mend, "export no_proxy=127.0.0.1");
  env.set("STREAMLIB_BROKER_ENDPOINT", "unix:/run/b");
  assertEquals(judgeEnvironment(env).mend, undefined);
});

const info = (rest: Partial<NonNullable<PathInfo>>): NonNullable<PathInfo> => ({
  isDirectory: true,
  isSymlink: false,
  isSocket: false,
  mode: 0o40700,
  uid: 1000,
  ...rest,
});

Deno.test("doctor: directories", () => {
  const fault = (rest?: Partial<NonNullable<PathInfo>>) =>
    directoryFault("/run/a b", rest && info(rest), 1000)?.mend;
  assertEquals(fault(), undefined);
  assertEquals(fault({}), undefined);
  assertEquals(fault({ mode: 0o40755 }), "chmod 700 '/run/a b'");
  assertEquals(fault({ mode: 0o40600 }), "chmod 700 '/run/a b'");
  assertEquals(fault({ uid: 0 }), "sudo chown -R 1000 '/run/a b'");
  assertEquals(fault({ isSymlink: true, isDirectory: false }), "rm '/run/a b'");
  assertEquals(fault({ isDirectory: false }), "mv '/run/a b' '/run/a b.old'");
  assertEquals(
    directoryFault("/run/x", info({ uid: 1000 }), 0)?.mend,
    "chown -R 0 /run/x",
  );
});

Deno.test("doctor: sockets", () => {
  const socket = { isDirectory: false, isSocket: true, mode: 0o140600 };
  const fault = (rest: Partial<NonNullable<PathInfo>>) =>
    socketFault("/run/s", info({ ...socket, ...rest }), 1000)?.mend;
  assertEquals(fault({}), undefined);
  assertEquals(fault({ mode: 0o140666 }), "chmod 600 /run/s");
  assertEquals(fault({ mode: 0o140700 }), undefined);
  assertEquals(fault({ uid: 7 }), "sudo chown -R 1000 /run/s");
  assertEquals(fault({ isSocket: false }), "mv /run/s /run/s.old");
});

Deno.test("doctor: a word for a shell", () => {
  assertEquals(shellQuoted("/a/b-c.d"), "/a/b-c.d");
  assertEquals(shellQuoted("a b"), "'a b'");
  assertEquals(shellQuoted("it's"), "'it'\\''s'");
  assertEquals(shellQuoted("$(x)"), "'$(x)'");
});

const PROGRAM = { argv: ["/bin/broker"], environment: {} };
const env = new Map([["HOME", "/home/ada & co"]]);
const ours = names(env, { os: "linux" });
const oursOnMac = names(env, { os: "darwin" });
const theirs = names(env, { os: "linux", service: "com.example.other" });

Deno.test("doctor: what install writes has the right names", () => {
  const files = [
    { path: `/u/${ours.systemdSocketUnit}`, text: socketUnit(ours) },
    { path: `/u/${ours.systemdUnit}`, text: serviceUnit(ours, PROGRAM) },
  ];
  for (const file of files) {
    assert(isOfService(file, ours));
    assertEquals(mismatchIn(file, ours), undefined);
  }
  const plist = {
    path: oursOnMac.plistFile!,
    text: agentPlist(oursOnMac, PROGRAM),
  };
  assert(isOfService(plist, oursOnMac));
  assertEquals(mismatchIn(plist, oursOnMac), undefined);
});

Deno.test("doctor: another service's files are none of ours", () => {
  const file = {
    path: `/u/${theirs.systemdSocketUnit}`,
    text: socketUnit(theirs),
  };
  assert(!isOfService(file, ours));
  assert(!isOfService({ path: "/u/ssh.socket", text: "[Socket]\n" }, ours));
});

Deno.test("doctor: each name that is not as it has to be", () => {
  const socket = socketUnit(ours), plist = agentPlist(oursOnMac, PROGRAM);
  const inUnit = `/u/${ours.systemdSocketUnit}`;
  const table: [path: string, text: string, key: string, inPlace: boolean][] = [
    [
      inUnit,
      socket.replace(/(FileDescriptorName=).*/, "$1xpc"),
      "FileDescriptorName",
      true,
    ],
    [
      inUnit,
      socket.replace(/(ListenStream=).*/, "$1/elsewhere"),
      "ListenStream",
      true,
    ],
    [
      inUnit,
      socket.replace(/(ListenSequentialPacket=).*/, "$1/elsewhere"),
      "ListenSequentialPacket",
      true,
    ],
    ["/u/streamlib.socket", socket, "the file's name", false],
    [
      `/u/${ours.systemdUnit}`,
      serviceUnit(ours, PROGRAM)
        .replace(/(Requires=).*/, "$1streamlib.socket"),
      "Requires",
      true,
    ],
    [
      oursOnMac.plistFile!,
      plist.replace(
        /(<key>Label<\/key>\s*<string>).*(?=<)/,
        "$1com.streamlib.broker",
      ),
      "Label",
      true,
    ],
    [
      oursOnMac.plistFile!,
      plist.replace(
        /(<key>MachServices<\/key>\s*<dict>\s*<key>).*(?=<)/,
        "$1com.streamlib.xpc",
      ),
      "MachServices",
      true,
    ],
    [
      oursOnMac.plistFile!,
      plist.replace(/(<key>SockPathName<\/key>\s*<string>).*(?=<)/, "$1/x"),
      "SockPathName",
      true,
    ],
    ["/a/streamlib.plist", plist, "the file's name", false],
  ];
  for (const [path, text, key, inPlace] of table) {
    const all = path.endsWith(".plist") ? oursOnMac : ours;
    assert(isOfService({ path, text }, all), key);
    const found = mismatchIn({ path, text }, all);
    assertEquals([found?.key, found?.inPlace], [key, inPlace]);
  }
});

Deno.test("doctor: what the probe says of the shim", () => {
  const facts = { path: "/s.so", source: "package", abi: 3 } as const;
  assertEquals(
    judgeShim({ facts }, false).found,
    "ABI 3, the package's own, hash verified: /s.so",
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
    "it is of another version",
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
    round_trip_ms: 1,
  };
  assertEquals(judgeFrames({ facts }).state, "ok");
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

const STATES: Finding[] = [
  ok("deno", "2.9.3"),
  broken("sockets", "nobody listens at /a/rather/long/path/to/a/socket.grpc", {
    why: "a broker was killed\nand wrote \x1b[31m",
    mend:
      "streamlib broker start --with a-line-that-is-longer-than-the-terminal-is",
  }),
  broken("xpc", "no answer", { why: "it hangs", mend: "kill 1" }),
];

Deno.test("doctor: the report in 60 columns", () => {
  const space = { columns: 60, colour: false };
  const lines = [
    ...STATES.flatMap((finding) => findingLines(finding, space)),
    ...closingLines(STATES, space),
  ];
  assertEquals(lines, [
    "ok       deno           2.9.3",
    "broken   sockets        nobody listens at",
    "                        /a/rather/long/path/to/a/socket.grpc",
    "broken   xpc            no answer",
    "",
    "Broken: sockets",
    "  Nobody listens at /a/rather/long/path/to/a/socket.grpc.",
    "  A broker was killed",
    "  and wrote \\u001b[31m.",
    "  Try: streamlib broker start --with a-line-that-is-longer-than-the-terminal-is",
    "",
    "Broken too: xpc. Mend the first, then look again.",
  ]);
});

Deno.test("doctor: the report where all is well, with what there is to know, and colours", () => {
  const findings = [
    ok("deno", "2.9.3"),
    note("xpc", "no broker", { why: "hosts run one", mend: "install" }),
    note("environment", "a proxy is set"),
  ];
  const plain = closingLines(findings, { columns: Infinity, colour: false });
  assertEquals(plain, [
    "",
    "All is well.",
    "  xpc: no broker.",
    "  Hosts run one.",
    "  Try: install",
  ]);
  assertEquals(
    findingLines(findings[0]!, { columns: 80, colour: true }),
    ["\x1b[32mok\x1b[0m       deno           2.9.3"],
  );
});

Deno.test("doctor: its help names every link", () => {
  for (const name of LINKS) {
    assertStringIncludes(brokerDoctor.json!.fields["link"]!, name);
  }
});

Deno.test("demo: all that follows goes to it as it is", () => {
  const args = ["--help", "-x", "--frames", "2", "--", "--json=no"];
  const read = readArguments(demo, args);
  assert(read !== "help");
  assertEquals(read.operands, args);
});

permittedTest(
  "demo: runs with what `deno task demo` gives it",
  { read: true },
  async () => {
    const root = new URL("../../../", import.meta.url);
    const { tasks } = JSON.parse(
      await Deno.readTextFile(new URL("deno.json", root)),
    );
    const flags = tasks.demo.command.match(/--allow-\S+/g);
    assertEquals([...demoProgram().permissions].sort(), flags.sort());
    const module = demoProgram().module.href;
    assertEquals(module.slice(root.href.length), "demo/main.ts");
    const line = argumentsFor(demoProgram(), ["--json"]);
    assertEquals(line.slice(line.indexOf(module)), [module, "--json"]);
  },
);

permittedTest(
  "doctor: its probe may read what a host passes on to its child, and is bound to places",
  { read: true },
  async () => {
    const { permissions } = probeProgram("/home/a,b", "/bin/deno");
    const flag = (kind: string): string[] =>
      permissions.find((each) => each.startsWith(`--allow-${kind}=`))!
        .split("=")[1]!.split(/(?<!,),(?!,)/);
    assertEquals(flag("run"), ["/bin/deno"]);
    assertEquals(flag("write"), ["/home/a,,b/lib"]);
    assertEquals(flag("read").length, 2);
    const spawn = new URL("../../../host/spawn/spawn.ts", import.meta.url);
    const source = await Deno.readTextFile(spawn);
    const list = /PASSED_ON = \[([^\]]*)\]/.exec(source)![1]!;
    for (const [, name = ""] of list.matchAll(/"(\w+)"/g)) {
      const may = flag("env").some((pattern) =>
        pattern.endsWith("*")
          ? name.startsWith(pattern.slice(0, -1))
          : pattern === name
      );
      assert(may, `${name} is not permitted`);
    }
  },
);

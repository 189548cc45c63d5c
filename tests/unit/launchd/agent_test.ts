import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { agentPlist } from "../../../launchd/agent.ts";
import { type Ended, run } from "../../helpers/child.ts";
import { assertGolden } from "../../helpers/golden.ts";
import { AT_SCREEN, FakeLaunchd } from "../../helpers/launchd.ts";
import { type Needs, permittedTest } from "../../helpers/permitted.ts";
import { AWKWARD, namesOf, programOf, SERVICE } from "../../helpers/service.ts";
import { hasPython } from "../../helpers/service_user.ts";

function plistAt(home: string, domain = AT_SCREEN): string {
  const names = namesOf(home, "darwin");
  return agentPlist(names, programOf(home), domain);
}

permittedTest(
  "agent: the property list, also where paths are awkward",
  { read: true },
  async () => {
    await assertGolden("agent.plist", plistAt("/Users/ada"));
    await assertGolden("agent_awkward.plist", plistAt(AWKWARD));
  },
);

permittedTest(
  "agent: the property lists for a session at the screen, for one over ssh beside it, and without anybody at the screen",
  { read: true },
  async () => {
    const table: [golden: string, session: string, screen: boolean][] = [
      ["agent.plist", "Aqua", true],
      ["agent_ssh.plist", "Background", true],
      ["agent_headless.plist", "Background", false],
    ];
    for (const [golden, session, screen] of table) {
      const launchd = new FakeLaunchd();
      Object.assign(launchd, { session, screen });
      await assertGolden(golden, plistAt("/Users/ada", await launchd.own));
    }
  },
);

Deno.test("agent: nothing starts or keeps the broker but its clients", () => {
  const plist = plistAt("/Users/ada");
  for (const key of ["RunAtLoad", "KeepAlive", "StartInterval"]) {
    assert(!plist.includes(key), key);
  }
});

const CHECK = new URL("../../fixtures/plist_check.py", import.meta.url);

function check(plist: string): Promise<Ended> {
  return run("python3", {
    args: [decodeURIComponent(CHECK.pathname)],
    input: plist,
  });
}

const NEEDS: Needs = {
  run: true,
  lacking: hasPython() ? undefined : "no python3",
};

permittedTest(
  "agent: an XML parser finds what Apple's document type allows, and reads back every path",
  NEEDS,
  async () => {
    for (const home of ["/Users/ada", AWKWARD]) {
      const names = namesOf(home, "darwin");
      const program = programOf(home);
      const { code, stdout, stderr } = await check(
        agentPlist(names, program, AT_SCREEN),
      );
      assertEquals([code, stderr], [0, ""]);
      assertEquals(JSON.parse(stdout), {
        Label: SERVICE,
        MachServices: { [SERVICE]: true },
        Sockets: {
          grpc: { SockPathName: names.grpcSocket, SockPathMode: 384 },
        },
        ProgramArguments: program.argv,
        EnvironmentVariables: program.environment,
        ProcessType: "Interactive",
        LimitLoadToSessionType: "Aqua",
        ThrottleInterval: 1,
        ExitTimeOut: 10,
        StandardErrorPath: `${home}/Library/Logs/${SERVICE}/stderr.log`,
      });
    }
  },
);

permittedTest(
  "agent: that check sees what the document type forbids",
  NEEDS,
  async () => {
    const plist = plistAt("/Users/ada");
    const table: [from: RegExp | string, to: string, complaint: string][] = [
      ["<key>Label</key>", "", "<dict> holds"],
      ["<true/>", "<true>yes</true>", "text in <true>"],
      ["<integer>384</integer>", "<octal>600</octal>", "<octal> is not"],
      ['<plist version="1.0">', "<plist>", "attributes"],
      ["-//Apple//DTD PLIST 1.0//EN", "-//Apple//PLIST", "document type"],
    ];
    for (const [from, to, complaint] of table) {
      const { code, stderr } = await check(plist.replace(from, to));
      assertEquals(code, 1, complaint);
      assertStringIncludes(stderr, complaint);
    }
  },
);

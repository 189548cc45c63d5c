import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { CommandError } from "../../../cli/exit.ts";
import { firstContact, runningVersion } from "../../../cli/first_contact.ts";
import type { Service } from "../../../cli/service.ts";
import type { GrpcClient } from "../../../broker/grpc/grpc_client.ts";
import type { ServiceReport } from "../../../launchd/service_manager.ts";
import { BridgeError } from "../../../proto/errors.ts";
import { PROTOCOL_VERSION } from "../../../proto/wire/keys.ts";
import { TestConsole } from "../../helpers/cli.ts";

const VERSION = {
  version: "1.2.3",
  git_commit: "abc",
  build_date: "",
  protocol_version: PROTOCOL_VERSION,
};
const ABSENT = new BridgeError("broker_unreachable", "nobody listens");

type Answer = BridgeError | { protocol_version?: number; healthy: boolean };

/** A broker that gives `answers` one after the other, one for each contact, and repeats the last. */
function stage(answers: Answer[], report: ServiceReport): {
  service: Service;
  console: TestConsole;
  contacts: () => number;
} {
  const console = new TestConsole();
  let contacts = 0;
  console.rests.push(...Array.from({ length: 1000 }, () => () => {}));
  console.connect = () => {
    const answer = answers[Math.min(contacts++, answers.length - 1)]!;
    return Promise.resolve({
      call: (method: string) => {
        if (answer instanceof BridgeError) return Promise.reject(answer);
        return Promise.resolve(
          method === "GetVersion"
            ? { ...VERSION, ...answer }
            : { healthy: answer.healthy, status: "starting", uptime_secs: 0 },
        );
      },
      [Symbol.dispose]: () => {},
    } as unknown as GrpcClient);
  };
  const service = {
    names: { service: "com.example.broker", grpcAddress: "unix:/b" },
    manager: {
      kind: "systemd",
      diagnosis: "journalctl",
      report: () => Promise.resolve(report),
      lastWords: () => Promise.resolve(["no GPU"]),
    },
  } as unknown as Service;
  return { service, console, contacts: () => contacts };
}

Deno.test("first contact: is tried until the broker is healthy", async () => {
  const { service, console, contacts } = stage(
    [ABSENT, { healthy: false }, { healthy: true }],
    { state: "listening" },
  );
  assertEquals((await firstContact(service, console)).version, "1.2.3");
  assertEquals(contacts(), 3);
});

Deno.test("first contact: is given up after its time, and as soon as its manager has given up", async () => {
  const table: [Answer, ServiceReport, contacts: number, text: string][] = [
    [ABSENT, { state: "listening" }, 150, "nobody listens"],
    [{ healthy: false }, { state: "running" }, 150, "it is starting"],
    // launchd waits for its ThrottleInterval.
    [ABSENT, { state: "running", reason: "code 137" }, 150, "nobody listens"],
    [
      ABSENT,
      { state: "failed", reason: "status 203" },
      1,
      "systemd says that it has failed, status 203",
    ],
  ];
  for (const [answer, report, expected, text] of table) {
    const { service, console, contacts } = stage([answer], report);
    const error = await assertRejects(
      () => firstContact(service, console),
      CommandError,
    );
    assertEquals([error.exit, error.next], [3, "journalctl"]);
    assertStringIncludes(error.message, text);
    assertEquals(contacts(), expected);
  }
});

Deno.test("first contact: a broker of another protocol is no broker to wait for", async () => {
  const { service, console, contacts } = stage(
    [{ healthy: true, protocol_version: PROTOCOL_VERSION + 1 }],
    { state: "running" },
  );
  const error = await assertRejects(
    () => firstContact(service, console),
    BridgeError,
  );
  assertEquals([error.code, contacts()], ["version_mismatch", 1]);
});

Deno.test("running version: of any protocol, and none is started to learn it", async () => {
  const other = PROTOCOL_VERSION + 1;
  const running = stage(
    [{ healthy: true, protocol_version: other }],
    { state: "running" },
  );
  const found = await runningVersion(running.service, running.console);
  assertEquals(found?.protocol_version, other);
  const idle = stage([{ healthy: true }], { state: "listening" });
  assertEquals(await runningVersion(idle.service, idle.console), undefined);
  assertEquals(idle.contacts(), 0);
  const silent = stage([ABSENT], { state: "running" });
  assertEquals(await runningVersion(silent.service, silent.console), undefined);
});

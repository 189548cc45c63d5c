import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { launchdBroker, type LoadAgent } from "../../../host/launchd_broker.ts";
import { ServiceError } from "../../../launchd/service_error.ts";
import { BridgeError } from "../../../proto/errors.ts";
import { SERVICE } from "../../helpers/service.ts";

const ENV = new Map([["HOME", "/Users/ada"]]);

async function found(
  load: LoadAgent,
): Promise<{ service: string; said: string[] }> {
  const said: string[] = [];
  await using broker = await launchdBroker(load, {
    because: "Cannot start a bootstrap: it is not there",
    env: ENV,
    os: "darwin",
    say: (text) => said.push(text),
  });
  return { service: broker.service, said };
}

Deno.test("session broker: it serves the default name, and what was done is said once", async () => {
  const path = `/Users/ada/.streamlib/launchd/${SERVICE}.plist`;
  let loads = 0;
  const load: LoadAgent = ({ sessionPlistFile }) =>
    Promise.resolve({
      loaded: loads++ === 0 ? sessionPlistFile : undefined,
      target: `user/501/${SERVICE}`,
      remarks: [],
    });
  const first = await found(load);
  assertEquals(first.service, SERVICE);
  assertEquals(first.said.length, 1);
  for (
    const text of [
      path,
      "until the Mac restarts",
      "because this host cannot: Cannot start a bootstrap: it is not there. `streamlib",
      "streamlib broker install",
      `launchctl bootout user/501/${SERVICE}`,
      "embedBroker: false",
    ]
  ) assertStringIncludes(first.said[0]!, text);
  assertEquals(await found(load), { service: SERVICE, said: [] });
  const elsewhere = await found(() =>
    Promise.resolve({ loaded: undefined, target: "", remarks: ["over ssh"] })
  );
  assertEquals(elsewhere.said, ["over ssh"]);
  const target = `gui/501/${SERVICE}`;
  const screen = await found(() =>
    Promise.resolve({ loaded: path, target, remarks: [] })
  );
  assertStringIncludes(screen.said[0]!, "until you log out");
});

Deno.test("session broker: what is not permitted, and what launchd refuses, says what to do", async () => {
  const table: [error: Error, code: string, text: string][] = [
    [
      new Deno.errors.NotCapable('Requires run access to "launchctl"'),
      "not_permitted",
      "--allow-run=launchctl,deno --allow-sys=uid",
    ],
    [
      new ServiceError("no_manager", "no such domain", ""),
      "broker_unreachable",
      "no such domain",
    ],
  ];
  for (const [error, code, text] of table) {
    const refused = await assertRejects(
      () => found(() => Promise.reject(error)),
      BridgeError,
    );
    assertEquals(refused.code, code);
    assert(refused.cause === error);
    assertStringIncludes(refused.message, text);
    assertStringIncludes(refused.message, "streamlib broker install");
  }
});

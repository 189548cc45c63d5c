import { assert, assertEquals } from "@std/assert";
import { BrokerLink } from "../../ffi/broker_link.ts";
import { Native } from "../../ffi/native.ts";
import { foreground, namesIn } from "../helpers/broker_forms.ts";
import { BrokerProcess } from "../helpers/broker_process.ts";
import { kill } from "../helpers/child.ts";
import { GRPC_NEEDS, PrivateDirectory } from "../helpers/grpc_fixture.ts";
import { type Needs, permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

const NEEDS: Needs = {
  ...GRPC_NEEDS,
  run: true,
  service: true,
  linux: "a limit of descriptors that XPC's connections count for",
};

/** Starts a process with `count` silent connections of each kind, and waits until it has tried to open them. */
async function beSilent(
  service: string,
  path: string,
  count: number,
): Promise<Deno.ChildProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-all",
      new URL("../fixtures/silent_peers.ts", import.meta.url).pathname,
      service,
      path,
      String(count),
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  await soon(reader.read(), "its line");
  await reader.cancel();
  return child;
}

permittedTest(
  "a broker with 64 descriptors serves others beside 1,000 silent connections, and names their process",
  NEEDS,
  async () => {
    const { PatientClient } = await import("../helpers/patient_client.ts");
    using directory = new PrivateDirectory();
    const home = directory.path;
    const form = await foreground(home);
    await using broker = await BrokerProcess.start({
      ...form,
      argv: ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", ...form.argv],
    });
    const { service, grpcSocket, grpcAddress } = namesIn(home);
    Deno.env.set("STREAMLIB_HOME", home);
    const attackers: Deno.ChildProcess[] = [];
    try {
      for (let i = 0; i < 2; i++) {
        attackers.push(await beSilent(service, grpcSocket, 250));
      }
      using native = Native.open();
      using host = new BrokerLink(native, service);
      using client = new BrokerLink(native, service);
      const made = await host.call("AllocateConnection", {
        runtime_id: "honest",
        processor_id: "p",
        want_tokens: true,
      });
      assertEquals(made.error, "");
      const id = { connection_id: made.connection_id };
      const alive = await client.call("ClientAlive", id, {
        token: made.client_token,
      });
      assertEquals(alive.error, "");
      using control = new PatientClient(grpcAddress);
      await until(
        "the silent connections to be counted",
        async () => (await control.call("GetHealth", {})).silent_count > 100,
      );
      const { quotas } = await control.call("GetHealth", {});
      const peers = quotas.find(({ name }) => name === "peers")!;
      assert(peers.used >= 2 && peers.limit < 20, JSON.stringify(peers));
      assertEquals(peers.fullest_pid, Deno.pid);
    } finally {
      for (const attacker of attackers) {
        await kill(attacker);
        await attacker.stdin.abort().catch(() => {});
      }
      Deno.env.delete("STREAMLIB_HOME");
    }
    const { code, stderr } = await broker.end();
    assertEquals(code, 0);
    const named = stderr.split("\n").filter((line) =>
      line.includes("made room for others") &&
      attackers.some(({ pid }) => line.includes(`"pid":${pid}`))
    );
    assert(named.length > 0, stderr);
    assert(stderr.split("\n").length < 200, "one line for each connection");
  },
  { sanitizeOps: false, sanitizeResources: false },
);

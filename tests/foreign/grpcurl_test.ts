import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { METHODS } from "../../proto/broker_gen.ts";
import { run } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { prepare } from "../helpers/preparation.ts";
import { grpcurl, hasGo } from "./toolchain.ts";

const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  net: true,
  service: true,
} as const;

if (hasGo()) prepare("grpcurl", grpcurl);

/** Returns the output of grpcurl. Throws with its messages if it fails. */
async function ask(
  program: string,
  socket: string,
  ...args: string[]
): Promise<string> {
  const flags = ["-plaintext", "-connect-timeout", "120", "-max-time", "120"];
  const at = args.findIndex((arg) => !arg.startsWith("-") && arg !== "{}");
  const { code, stdout, stderr } = await run(program, {
    args: [
      ...flags,
      ...args.slice(0, at),
      `unix://${socket}`,
      ...args.slice(at),
    ],
  });
  assert(code === 0, `grpcurl ${args.join(" ")}: ${stderr}`);
  return stdout;
}

permittedTest(
  "grpcurl, unconfigured: lists and describes by reflection, calls the broker and its health",
  { ...NEEDS, lacking: hasGo() ? undefined : "no Go" },
  async () => {
    const { Broker } = await import("../../broker/broker.ts");
    using home = isolatedHome();
    const service = "com.example.grpcurl";
    const socket = `${home.runDirectory}/${service}.grpc`;
    const program = await grpcurl();
    await using _ = await Broker.start({
      service,
      grpc: `unix:${socket}`,
      log: { sink: () => {}, level: "error" },
    });
    const services = (await ask(program, socket, "list")).trim().split("\n");
    assertEquals(services.sort(), [
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "streamlib.broker.BrokerService",
    ]);
    const calls = await ask(
      program,
      socket,
      "list",
      "streamlib.broker.BrokerService",
    );
    assertEquals(
      calls.trim().split("\n").map((call) => call.split(".").at(-1)).sort(),
      Object.keys(METHODS).sort(),
    );
    const described = await ask(
      program,
      socket,
      "describe",
      "streamlib.broker.AllocateConnectionRequest",
    );
    assertStringIncludes(described, "bool want_tokens = 6;");
    const health = await ask(
      program,
      socket,
      "grpc.health.v1.Health/Check",
    );
    assertEquals(JSON.parse(health), { status: "SERVING" });
    const request = { runtime_id: "shell", processor_id: "by hand" };
    const made = JSON.parse(
      await ask(
        program,
        socket,
        `-d=${JSON.stringify(request)}`,
        "streamlib.broker.BrokerService/AllocateConnection",
      ),
    );
    assertEquals(made.success, true);
    const { connections } = JSON.parse(
      await ask(
        program,
        socket,
        "streamlib.broker.BrokerService/ListConnections",
      ),
    );
    assertEquals(connections[0].connectionId, made.connectionId);
    assertEquals(connections[0].derivedState, "awaiting_both");
  },
);

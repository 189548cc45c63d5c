/**
 * What the tests of this folder run against each other: brokers of a version, each
 * a process, and peers that use nothing of this library.
 */

import { fileURLToPath } from "node:url";
import { permittedEnvironment } from "../../ffi/environment.ts";
import {
  type ClientExit,
  type ClientProcess,
  clientStarter,
} from "../../host/spawn/spawn.ts";
import type { ConnectionSchema } from "../../proto/schema/connection_schema.ts";
import { canonicalJson } from "../../proto/schema/json/canonical_json.ts";
import { connectionSchemaToJson } from "../../proto/schema/json/connection_schema_json.ts";
import { hasPython } from "../../tools/install/python.ts";
import { BrokerProcess } from "../helpers/broker_process.ts";
import { type Ended, killTree, linesOf, run } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";
import type { Plan } from "./old_peers/host.ts";
import {
  brokerMain,
  NEW,
  program,
  runner,
  type Version,
} from "./old_version.ts";
import { compilePeer, foreignPython } from "./toolchain.ts";

const ROOT = new URL("../../", import.meta.url);
/** How many frames a foreign host sends. */
export const FRAMES = 12;

/** The arguments of a Deno that runs a program of the tests. */
const DENO_RUN = ["run", "--quiet", "--no-prompt", "--no-lock", "--allow-all"];

/**
 * Runs the host of `old_peers/` in a version, with a client of another one.
 *
 * @param module the name of the client's processor in `old_peers/`
 */
export function runHost(
  host: Version,
  client: Version,
  module: string,
  plan: Partial<Plan> & Pick<Plan, "frames">,
): Promise<Ended> {
  const whole: Plan = {
    runner: runner(client).href,
    module: program(client, module).href,
    brief: false,
    maker: "client",
    restarts: false,
    contradicts: false,
    ...plan,
  };
  return run(Deno.execPath(), {
    args: [...DENO_RUN, program(host, "host.ts").href, JSON.stringify(whole)],
  });
}

/** The counts of peer.c. */
export interface Counts {
  role: string;
  ended: string;
  sent: number;
  received: number;
  wrong: number;
  dropped: number;
  released: number;
  offers: number;
  retired: number;
  refused: number;
  /** Received frames that were in a lane's ring. */
  records: number;
  /** Ends of a port. */
  ends: number;
}

/** A connection, as control_plane.py prints it. */
export interface Info {
  host: string;
  client: string;
  derived: string;
  connected: boolean;
  stored: boolean;
  reason: string;
}

/** The last line of control_plane.py. */
export interface Result {
  early: string;
  states: string[];
  info: Info;
  closed: Info;
  host: Counts;
  client: Counts;
  codes: number[];
}

/** What a broker's process gets of this one's environment. */
const VARIABLES = [
  "DENO_DIR",
  "HOME",
  "PATH",
  "STREAMLIB_HOME",
  "STREAMLIB_LIBXPC",
  "XDG_CACHE_HOME",
  "XDG_RUNTIME_DIR",
];

/** A broker that serves. It ends with its scope. */
interface ServingBroker extends AsyncDisposable {
  /** Its XPC service name. */
  readonly service: string;
  /** Its gRPC address. */
  readonly grpc: string;
  /** Ends it. Returns its exit code. */
  end(): Promise<{ readonly code: number }>;
}

/** Starts the broker of a version in the home of this process. */
export async function startBroker(version: Version): Promise<ServingBroker> {
  const own = permittedEnvironment();
  const environment: Record<string, string> = {};
  for (const name of VARIABLES) {
    const value = own.get(name);
    if (value !== undefined) environment[name] = value;
  }
  const process = await BrokerProcess.start({
    argv: [
      Deno.execPath(),
      ...DENO_RUN,
      `--config=${fileURLToPath(new URL("deno.json", NEW.root))}`,
      brokerMain(version).href,
      "--json",
    ],
    environment,
  });
  const { xpc_service: service, grpc } = JSON.parse(process.ready) as {
    xpc_service: string;
    grpc: string;
  };
  return {
    service,
    grpc,
    end: () => process.end(),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

/** A program, its lines, and how it ended. */
export class Program implements AsyncDisposable {
  readonly process: ClientProcess;
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  #last = "";

  constructor(
    command: string,
    args: string[],
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#child = new Deno.Command(command, {
      args,
      env,
      cwd: ROOT,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#lines = linesOf(this.#child.stdout);
    this.#input = this.#child.stdin.getWriter();
    const stderr = new Response(this.#child.stderr).text();
    this.process = {
      pid: this.#child.pid,
      stderrTail: "",
      exit: Promise.all([this.#child.status, stderr]).then((
        [{ code, signal }, text],
      ): ClientExit => ({ code, signal, stderrTail: text.trim() })),
      kill: (signal) => {
        try {
          this.#child.kill(signal);
        } catch (error) {
          if (!(error instanceof TypeError)) throw error; // it has ended
        }
      },
    };
  }

  /** Returns its next line. Throws with its stderr if it has ended. */
  async line(what: string): Promise<string> {
    const { value, done } = await soon(this.#lines.next(), what);
    if (!done) return this.#last = value;
    const { code, stderrTail } = await soon(this.process.exit, "its end");
    throw new Error(`${what}: it ended with code ${code}: ${stderrTail}`);
  }

  /** Writes a line to its stdin. */
  async tell(text: string): Promise<void> {
    const line = new TextEncoder().encode(`${text}\n`);
    await soon(this.#input.write(line), `its reading of ${text}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await soon(this.#end(), `the end after '${this.#last}'`);
    } catch (error) {
      await killTree(this.process.pid);
      throw error;
    }
  }

  async #end(): Promise<void> {
    this.process.kill("SIGTERM");
    await this.#input.close().catch(() => {}); // it may have ended first
    while (!(await this.#lines.next()).done) continue;
    await this.process.exit;
  }
}

/** A broker, and the means to start foreign peers against it. */
interface World {
  readonly service: string;
  readonly peer: string;
  control(
    part: string,
    args?: string[],
    env?: Readonly<Record<string, string>>,
  ): Program;
}

/** A client of this library, in its process. Disposing it kills it. */
interface OurClient extends AsyncDisposable {
  readonly process: ClientProcess;
  /** The token of the connection; "" if it has none. */
  readonly token: string;
}

/** Has a foreign host allocate a connection with these ports, and starts our client for it. */
export async function startOurClient(
  world: World,
  host: Program,
  schema: ConnectionSchema,
  module: URL,
): Promise<OurClient> {
  await host.tell(canonicalJson(connectionSchemaToJson(schema)));
  const { connection_id, client_token } = JSON.parse(
    await host.line("the allocation"),
  ) as { connection_id: string; client_token: string };
  const process = clientStarter({
    module,
    name: "client",
    runner: runner(NEW),
    grpcClient: undefined,
    permissions: {},
    userEnv: {},
    deno: undefined,
    config: undefined,
    output: () => {},
  })({
    STREAMLIB_BROKER_XPC_SERVICE: world.service,
    STREAMLIB_CONNECTION_ID: connection_id,
    STREAMLIB_CONNECTION_TOKEN: client_token,
  });
  return {
    process,
    token: client_token,
    [Symbol.asyncDispose]: async () => {
      process.kill("SIGKILL");
      await soon(process.exit, "the client's end");
    },
  };
}

/**
 * Registers a test with a broker, and peers against it.
 *
 * @param version that of the broker; by default this one
 */
export function foreignTest(
  name: string,
  body: (world: World) => Promise<void>,
  version: () => Promise<Version> = () => Promise.resolve(NEW),
): void {
  permittedTest(
    name,
    {
      ...HOST_NEEDS,
      lacking: hasPython() ? undefined : "no python3 with venv",
    },
    async () => {
      using home = isolatedHome();
      const peer = `${home.path}/peer`;
      await compilePeer(peer);
      const command = await foreignPython();
      await using broker = await startBroker(await version());
      const { service, grpc } = broker;
      await body({
        service,
        peer,
        control: (part, args = [], env = {}) =>
          new Program(command, [
            fileURLToPath(new URL("tests/foreign/control_plane.py", ROOT)),
            part,
            ...["--address", grpc, "--service", service],
            ...["--peer", peer, "--frames", String(FRAMES)],
            ...args,
          ], env),
      });
    },
  );
}

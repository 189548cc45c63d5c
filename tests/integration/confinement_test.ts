import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { builtLibrary } from "../../ffi/library/library.ts";
import { Native } from "../../ffi/native.ts";
import type { ClientPermissions } from "../../host/spawn/client_arguments.ts";
import {
  checkEnforceable,
  confined,
  type ConfinementNeeds,
  confinementSystem,
} from "../../host/spawn/confinement.ts";
import { denoPlaces } from "../../host/spawn/deno_places.ts";
import { pythonPlaces } from "../../host/spawn/python/python_places.ts";
import { BridgeError } from "../../proto/errors.ts";
import { type Ended, onlyVariables, run } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { acquireFrame, launchFixture } from "../helpers/hosts.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";

/** What confined programs try for real, by the same launcher and arguments as a host's clients. */

const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  net: true,
  linux: "Landlock",
} as const;
const FIXTURES = fileURLToPath(
  new URL("../fixtures/confined/", import.meta.url),
);

const SYSTEM = confinementSystem({ variable: (name) => Deno.env.get(name) });

/** Why this system cannot confine; `undefined` if it can. */
function whyNot(): string | undefined {
  try {
    checkEnforceable({}, "python", SYSTEM);
    return undefined;
  } catch (error) {
    if (error instanceof BridgeError) return error.message;
    throw error;
  }
}

const lacking = Deno.build.os === "linux" ? whyNot() : undefined;

/** A folder with what belongs to others, a server of each kind, and a process. */
interface Stage extends AsyncDisposable {
  readonly folder: string;
  readonly place: {
    readonly secret: string;
    readonly readable: string;
    readonly writable: string;
    readonly link: string;
    readonly folder: string;
    readonly socket: string;
    readonly abstract: string;
    readonly datagrams: string;
    readonly port: number;
    readonly otherPort: number;
    readonly pid: number;
  };
}

function stage(): Stage {
  const folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "slc" }));
  const in_ = (name: string): string => `${folder}/${name}`;
  Deno.mkdirSync(in_("writable"));
  Deno.mkdirSync(in_("readable"));
  Deno.writeTextFileSync(in_("secret"), "secret");
  Deno.writeTextFileSync(in_("readable/file"), "public");
  Deno.symlinkSync(in_("secret"), in_("readable/link"));
  const listeners = [
    Deno.listen({ hostname: "127.0.0.1", port: 0 }),
    Deno.listen({ hostname: "127.0.0.1", port: 0 }),
    Deno.listen({ transport: "unix", path: in_("socket") }),
    Deno.listen({ transport: "unix", path: `\0${folder}` }),
  ] as const;
  // In a group of its own: a signal to a group that the confined process is in reaches that process.
  const other = new Deno.Command("/bin/sleep", {
    args: ["600"],
    detached: true,
  }).spawn();
  const portOf = ({ addr }: Deno.Listener): number =>
    (addr as Deno.NetAddr).port;
  return {
    folder,
    place: {
      secret: in_("secret"),
      readable: in_("readable/file"),
      writable: in_("writable"),
      link: in_("readable/link"),
      folder,
      socket: in_("socket"),
      abstract: `\0${folder}`,
      datagrams: in_("datagrams"),
      port: portOf(listeners[0]),
      otherPort: portOf(listeners[1]),
      pid: other.pid,
    },
    async [Symbol.asyncDispose]() {
      for (const listener of listeners) listener.close();
      other.kill("SIGKILL");
      await other.status;
      Deno.removeSync(folder, { recursive: true });
    },
  };
}

async function runConfined(
  program: string,
  args: readonly string[],
  permissions: ClientPermissions,
  needs: Partial<ConfinementNeeds>,
  env: Record<string, string> = {},
): Promise<Ended> {
  const library = fileURLToPath(builtLibrary());
  const line = confined({ program, args, env }, permissions, {
    runtime: "python",
    library,
    reads: [],
    ...needs,
  }, SYSTEM);
  return await run(line.program, {
    args: [...line.args],
    ...onlyVariables(env),
  });
}

/** Returns the path of a Python interpreter's own executable; `undefined` if there is none. */
async function findInterpreter(): Promise<string | undefined> {
  try {
    const { code, stdout } = await run("python3", {
      args: ["-c", "import sys; print(sys.executable)"],
    });
    return code === 0 ? stdout.trim() : undefined;
  } catch {
    return undefined;
  }
}

async function outcomesOfPython(
  { place }: Stage,
  permissions: ClientPermissions,
): Promise<Record<string, string>> {
  const program = await findInterpreter();
  assert(program !== undefined, "no python3");
  const script = `${FIXTURES}attempts.py`;
  const { code, stdout, stderr } = await runConfined(
    program,
    ["-I", script, JSON.stringify(place)],
    permissions,
    { reads: [script], mayRead: pythonPlaces(program, undefined) },
  );
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout);
}

permittedTest("a confined python3 can do nothing that it is not permitted", {
  ...NEEDS,
  lacking,
}, async () => {
  await using all = stage();
  assertEquals(await outcomesOfPython(all, {}), {
    "read a secret": "EACCES",
    "read a secret in a thread": "EACCES",
    "read a secret in a child": "EACCES",
    "read a secret by a link": "EACCES",
    "read a permitted file": "EACCES",
    "list a folder": "EACCES",
    "write beside it": "EACCES",
    "write what may be read": "EACCES",
    "write what it was started with": "EACCES",
    "write a permitted file": "EACCES",
    "write by native code": "EACCES",
    "change a mode": "EPERM",
    "link it to where it may be read": "EACCES",
    "run a program": "EACCES",
    "connect to a bus": "EPERM",
    "connect to an abstract socket": "EPERM",
    "send to a socket": "EPERM",
    "connect to a port": "EPERM",
    "connect to another port": "EPERM",
    "send a datagram": "EPERM",
    "signal another process": "EPERM",
    "signal its group": "EPERM",
    "trace another process": "EPERM",
    "look into another process": "EACCES",
    "read the command line of another process": "EACCES",
    "make a namespace": "EPERM",
    "make a pair": "done",
    "read itself": "done",
  });
});

permittedTest("a confined python3 can do what it is permitted, and no more", {
  ...NEEDS,
  lacking,
}, async () => {
  await using all = stage();
  using native = Native.open();
  const ports = native.symbols.slb_confinement() >= 4;
  const { place } = all;
  const outcomes = await outcomesOfPython(all, {
    read: [place.readable, `${all.folder}/readable`],
    write: [place.writable],
    run: ["sh"],
    net: ports ? [`:${place.port}`] : true,
  });
  const done = Object.entries(outcomes)
    .filter(([, outcome]) => outcome === "done").map(([name]) => name);
  assertEquals(done, [
    "read a permitted file",
    "write a permitted file",
    "run a program",
    "connect to a port",
    ...(ports ? [] : ["connect to another port", "send a datagram"]),
    "make a pair",
    "read itself",
  ]);
  assertEquals(outcomes["read a secret by a link"], "EACCES");
  assertEquals(outcomes["connect to a bus"], "EPERM");
  assertEquals(outcomes["link it to where it may be read"], "EXDEV");
  const all_ = await outcomesOfPython(all, {
    read: true,
    write: true,
    run: true,
    net: true,
  });
  const refused = Object.entries(all_)
    .filter(([, outcome]) => outcome !== "done").map(([name]) => name);
  assertEquals(refused, [
    "connect to a bus",
    "connect to an abstract socket",
    "send to a socket",
    "signal another process",
    "signal its group",
    "trace another process",
    "look into another process",
    "make a namespace",
  ]);
});

permittedTest(
  "a confined shell runs what it is permitted, and that is confined too",
  {
    ...NEEDS,
    lacking,
  },
  async () => {
    await using all = stage();
    const { secret } = all.place;
    const script =
      `cat "$0"; echo $?; /bin/cat /etc/hostname 2>&1; kill -0 ${all.place.pid}; echo $?`;
    const without = await runConfined(
      "/bin/sh",
      ["-c", script, secret],
      {},
      {},
      {
        PATH: "/usr/bin:/bin",
      },
    );
    assertEquals(without.stdout.split("\n")[0], "126");
    const withCat = await runConfined(
      "/bin/sh",
      ["-c", script, secret],
      { run: ["cat"] },
      {},
      { PATH: "/usr/bin:/bin" },
    );
    assertEquals(withCat.stdout.split("\n")[0], "1"); // it runs, and may not read
    assert(withCat.stderr.includes("ermission denied"), withCat.stderr);
    assert(withCat.stdout.trimEnd().endsWith("1"), withCat.stdout);
  },
);

permittedTest(
  "a confined Deno with all of its permissions is confined in its threads and workers",
  {
    ...NEEDS,
    lacking,
  },
  async () => {
    await using all = stage();
    const { place } = all;
    const script = `${FIXTURES}attempts.ts`;
    const variables: Record<string, string> = {
      DENO_DIR: `${all.folder}/deno`,
    };
    Deno.mkdirSync(variables["DENO_DIR"]!);
    const { reads, writes } = denoPlaces({
      module: script,
      files: [script],
      config: undefined,
      lockCopy: undefined,
      variable: (name) => variables[name],
    });
    const { code, stdout, stderr } = await runConfined(
      Deno.execPath(),
      ["run", "-A", "--no-lock", script, JSON.stringify(place)],
      { read: [place.readable] },
      { runtime: "deno", mayRead: reads, mayWrite: writes },
      variables,
    );
    assertEquals(code, 0, stderr);
    assertEquals(JSON.parse(stdout), {
      "read a secret": "PermissionDenied",
      "read a secret without waiting": "PermissionDenied",
      "read a secret in a worker": "PermissionDenied",
      "read a secret by ffi in a thread": "refused",
      "read a permitted file": "done",
      "write beside it": "PermissionDenied",
      "run a program": "PermissionDenied",
      "connect": "PermissionDenied",
      "make a socket by ffi": "refused",
      "signal by ffi": "refused",
    });
  },
);

permittedTest(
  "a confined program's memory is limited, and shared memory is not counted",
  {
    ...NEEDS,
    lacking,
  },
  async () => {
    const program = await findInterpreter();
    assert(program !== undefined, "no python3");
    const script = `
import mmap, os
def size(make):
    try:
        return len(make())
    except (MemoryError, OSError):
        return 0
print(size(lambda: bytearray(32 << 20)) >> 20)
print(size(lambda: bytearray(512 << 20)) >> 20)
file = os.memfd_create("shared")
os.ftruncate(file, 512 << 20)
print(size(lambda: mmap.mmap(file, 512 << 20)) >> 20)
`;
    const { stdout, stderr } = await runConfined(
      program,
      ["-I", "-c", script],
      {},
      { mayRead: pythonPlaces(program, undefined), memory: 256 << 20 },
    );
    assertEquals(stdout.trim().split("\n"), ["32", "0", "512"], stderr);
  },
);

permittedTest("what is permitted and not there is told, and nothing runs", {
  ...NEEDS,
  lacking,
}, async () => {
  const { code, stderr } = await runConfined(
    "/bin/sh",
    ["-c", "echo ran >&2"],
    { write: ["/no/such/folder"] },
    {},
  );
  assertEquals(code, 71);
  assert(
    stderr.startsWith(
      "Cannot confine the client: /no/such/folder does not exist, so that it cannot be permitted: make it first",
    ),
    stderr,
  );
  assert(!stderr.includes("ran"));
});

permittedTest(
  "a confined client in Deno exchanges frames, with its broker in a bootstrap or behind a name",
  { ...NEEDS, service: true, lacking },
  async () => {
    const { Broker } = await import("../../broker/mod.ts");
    using home = isolatedHome();
    const service = `com.example.confined-${Deno.pid}`;
    const address = `unix:${home.runDirectory}/grpc.sock`;
    await using _broker = await Broker.start({
      service,
      grpc: address,
      log: { sink: () => {} },
    });
    {
      await using host = launchFixture("invert.ts", {
        broker: service,
        control: "grpc",
        brokerEndpoint: address,
        confine: true,
      });
      const failure = await soon(
        host.ready.then(() => undefined, (error) => error),
        "the refusal",
      );
      assert(failure instanceof BridgeError, String(failure));
      assertEquals(failure.code, "not_permitted");
    }
    for (const options of [{}, { broker: service }]) {
      await using host = launchFixture("invert.ts", {
        ...options,
        confine: true,
        memoryLimit: 4 * 2 ** 30,
      });
      await soon(host.ready, "the client");
      const results = host.output.video[Symbol.asyncIterator]();
      for (let number = 0; number < 3; number++) {
        await soon(host.input.video.ready, "room");
        using frame = acquireFrame(host, number);
        frame.pixel_buffer.pixels.fill(number);
        host.input.video.send(frame);
        const { value } = await soon(results.next(), "the answer");
        using answer = value!;
        assertEquals(answer.pixel_buffer.pixels[0], 255 - number);
      }
    }
  },
);

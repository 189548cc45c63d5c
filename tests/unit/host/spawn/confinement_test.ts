import { assert, assertEquals, assertThrows } from "@std/assert";
import type { ClientPermissions } from "../../../../host/spawn/client_arguments.ts";
import {
  checkEnforceable,
  confined,
  type ConfinementNeeds,
  type ConfinementSystem,
} from "../../../../host/spawn/confinement.ts";
import { denoDir, denoPlaces } from "../../../../host/spawn/deno_places.ts";
import {
  modulePlaces,
  pythonPlaces,
} from "../../../../host/spawn/python/python_places.ts";
import { BridgeError, type ErrorCode } from "../../../../proto/errors.ts";

const SYSTEM: ConfinementSystem = {
  version: () => 6,
  findProgram: (name) => name === "ffmpeg" ? "/usr/bin/ffmpeg" : undefined,
};
const NEEDS: ConfinementNeeds = {
  runtime: "python",
  library: "/lib/shim.so",
  reads: ["/app"],
};
const LINE = { program: "/usr/bin/python3", args: ["-u", "x.py"], env: {} };

/** The arguments of the launcher that are not the same for all, and the rest of the line. */
function lineOf(
  permissions: ClientPermissions,
  needs: Partial<ConfinementNeeds> = {},
  system = SYSTEM,
): string[] {
  const { program, args } = confined(
    LINE,
    permissions,
    { ...NEEDS, ...needs },
    system,
  );
  assertEquals(program, "/lib/shim.so");
  return args.filter((each) => !each.startsWith("maybe-"));
}

function refusal(
  permissions: ClientPermissions,
  runtime: ConfinementNeeds["runtime"],
  code: ErrorCode,
  says: string,
  system = SYSTEM,
): void {
  const error = assertThrows(
    () => checkEnforceable(permissions, runtime, system),
    BridgeError,
    says,
  );
  assertEquals(error.code, code);
}

const REST = ["read=/app", "--", "/usr/bin/python3", "-u", "x.py"];

Deno.test("confinement: without permissions the command stays, with none it is confined", () => {
  assertEquals(confined(LINE, undefined, NEEDS, SYSTEM), LINE);
  assertEquals(lineOf({}), REST);
});

Deno.test("confinement: what is permitted becomes an argument", () => {
  assertEquals(
    lineOf({
      read: ["/data"],
      write: ["/out", "/out"],
      run: ["ffmpeg", "/opt/tool"],
      net: [":443", "*:80"],
    }),
    [
      "read=/data",
      "write=/out",
      "execute=/usr/bin/ffmpeg",
      "execute=/opt/tool",
      "tcp=443",
      "tcp=80",
      ...REST,
    ],
  );
  assertEquals(
    lineOf({ read: true, write: true, run: true, net: true }),
    ["read=/", "write=/", "execute=/", "net", ...REST],
  );
  assertEquals(
    lineOf({}, { services: "/run/s", memory: 4096 }),
    ["read=/app", "seqpacket", "data=4096", ...REST.slice(1)],
  );
  const { args } = confined(
    LINE,
    {},
    { ...NEEDS, mayRead: ["/may"], mayWrite: ["/cache"] },
    SYSTEM,
  );
  assert(args.includes("maybe-read=/may"));
  assert(args.includes("maybe-write=/cache"));
  assert(!args.includes("maybe-read=/etc/resolv.conf"));
  assert(
    confined(LINE, { net: [":1"] }, NEEDS, SYSTEM).args
      .includes("maybe-read=/etc/resolv.conf"),
  );
});

Deno.test("confinement: what the kernel cannot keep to is refused with the reason", () => {
  for (
    const address of [
      "example.com",
      "example.com:443",
      "1.2.3.4:5",
      ":",
      ":65536",
      "unix:/x",
    ]
  ) {
    for (const runtime of ["python", "deno"] as const) {
      refusal(
        { net: [address] },
        runtime,
        "not_permitted",
        "the kernel knows ports, not hosts",
      );
    }
  }
  const old = { ...SYSTEM, version: () => 3 };
  refusal({ net: [":443"] }, "python", "not_permitted", "Linux 6.7", old);
  checkEnforceable({ net: true }, "python", old);
  refusal({ env: ["A"] }, "python", "not_permitted", "its own environment");
  refusal({ sys: true }, "python", "not_permitted", "'sys'");
  refusal({ import: ["jsr.io"] }, "python", "not_permitted", "with `read`");
  refusal({ import: ["jsr.io"] }, "deno", "not_permitted", "deno cache");
  checkEnforceable(
    { env: ["A"], sys: true, import: ["jsr.io"], net: true },
    "deno",
    SYSTEM,
  );
  checkEnforceable({ env: [], sys: [], import: [] }, "python", SYSTEM);
});

Deno.test("confinement: what is wrong is said", () => {
  refusal(
    { run: ["nothing"] },
    "python",
    "bad_argument",
    "no such program in PATH",
  );
  refusal({ read: ["data"] }, "python", "bad_argument", "no absolute path");
  for (const memory of [0, -1, 1.5, NaN]) {
    assertThrows(
      () => confined(LINE, {}, { ...NEEDS, memory }, SYSTEM),
      BridgeError,
      "whole number of bytes",
    );
  }
});

Deno.test("confinement: a system that cannot is told at once, also for no permissions", () => {
  const cannot: ConfinementSystem = {
    ...SYSTEM,
    version: () => {
      throw new BridgeError("not_permitted", "this system is macOS");
    },
  };
  refusal({}, "python", "not_permitted", "this system is macOS", cannot);
  checkEnforceable(undefined, "python", cannot);
});

Deno.test("confinement: the folders of an interpreter follow from its path", () => {
  const links: Record<string, string> = {
    "/usr/bin/python3": "/usr/bin/python3.12",
    "/app/.venv/bin/python": "/opt/py/bin/python3.12",
    "/opt/py/bin/python3": "/opt/py/bin/python3.12",
    "/bin/python3": "/bin/python3.12",
  };
  const files = {
    realPath(path: string): string {
      const found = links[path];
      if (found === undefined) throw new Deno.errors.NotFound(path);
      return found;
    },
    read: (path: string) =>
      path === "/app/.venv/pyvenv.cfg"
        ? "include-system-site-packages = false\nhome = /opt/py/bin\n"
        : undefined,
  };
  const home = "/home/me";
  const user = "/home/me/.local/lib";
  assertEquals(pythonPlaces("/usr/bin/python3", home, files), ["/usr", user]);
  assertEquals(pythonPlaces("/app/.venv/bin/python", home, files), [
    "/app/.venv",
    "/opt/py",
    user,
  ]);
  assertEquals(pythonPlaces("/bin/python3", undefined, files), []);
  assertEquals(pythonPlaces("/home/me/bin/python3", home, files), [user]);
});

Deno.test("confinement: a module's folder can be read, unless it holds the home", () => {
  assertEquals(modulePlaces("/home/me/app/blur.py", "/home/me"), [
    "/home/me/app",
  ]);
  assertEquals(modulePlaces("/home/me/blur.py", "/home/me"), [
    "/home/me/blur.py",
  ]);
  assertEquals(modulePlaces("/home/blur.py", "/home/me"), ["/home/blur.py"]);
  assertEquals(modulePlaces("/blur.py", undefined), ["/blur.py"]);
  assertEquals(modulePlaces("/home/men/blur.py", "/home/me"), ["/home/men"]);
});

Deno.test("confinement: Deno reads its cache, the graph, and the files of the project", () => {
  const variables: Record<string, string> = {
    HOME: "/home/me",
    DENO_CERT: "/etc/corporate.pem",
  };
  const { reads, writes } = denoPlaces({
    module: "/app/src/blur.ts",
    files: ["/app/src/blur.ts", "/lib/util.ts"],
    config: undefined,
    lockCopy: "/dev/shm/lock-1/deno.lock",
    variable: (name) => variables[name],
  });
  assertEquals(writes, ["/dev/shm/lock-1"]);
  for (
    const path of [
      "/app/src/blur.ts",
      "/lib/util.ts",
      "/app/src/deno.json",
      "/app/deno.json",
      "/deno.json",
      "/app/node_modules",
      "/lib/package.json",
      "/etc/corporate.pem",
      "/home/me/.npmrc",
      "/home/me/.cache/deno",
      ...writes,
    ]
  ) {
    assert(reads.includes(path), path);
  }
  assert(!reads.includes("/app") && !reads.includes("/app/src"));
  assertEquals(denoDir(() => undefined), undefined);
  assertEquals(
    denoDir((name) => name === "XDG_CACHE_HOME" ? "/cache" : undefined),
    "/cache/deno",
  );
  assertEquals(denoDir((name) => name === "DENO_DIR" ? "/d" : "/x"), "/d");
});

import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  type Environment,
  readVariable,
  VARIABLES,
} from "../../../proto/environment.ts";
import { BridgeError } from "../../../proto/errors.ts";
import { names, type NamesOptions } from "../../../proto/names.ts";

const SERVICE = "com.tatolab.streamlib.broker";

function env(variables: Partial<Record<keyof Environment, string>>): Map<
  string,
  string
> {
  return new Map(Object.entries({ HOME: "/home/ada", ...variables }));
}

function onLinux(
  variables: Partial<Record<keyof Environment, string>>,
  options: NamesOptions = {},
): ReturnType<typeof names> {
  return names(env(variables), { os: "linux", ...options });
}

function refused(run: () => unknown, ...texts: string[]): void {
  const error = assertThrows(run, BridgeError);
  assertEquals(error.code, "bad_argument");
  for (const text of texts) assertStringIncludes(error.message, text);
}

Deno.test("names: on Linux, from nothing but HOME", () => {
  assertEquals(onLinux({}), {
    service: SERVICE,
    home: "/home/ada/.streamlib",
    runDirectory: "/home/ada/.streamlib/run",
    xpcSocket: `/home/ada/.streamlib/run/${SERVICE}.xpc`,
    grpcSocket: `/home/ada/.streamlib/run/${SERVICE}.grpc`,
    grpcAddress: `unix:/home/ada/.streamlib/run/${SERVICE}.grpc`,
    tcpAddress: "127.0.0.1:50051",
    logDirectory: "/home/ada/.streamlib/logs",
    logFile: `/home/ada/.streamlib/logs/${SERVICE}.log`,
    launchdLabel: SERVICE,
    plistFile: undefined,
    sessionPlistFile: undefined,
    systemdDirectory: "/home/ada/.config/systemd/user",
    systemdUnit: `${SERVICE}.service`,
    systemdSocketUnit: `${SERVICE}.socket`,
  });
});

Deno.test("names: on macOS launchd holds the XPC name, and logs are where its users look", () => {
  const mac = names(env({}), { os: "darwin" });
  assertEquals(mac.xpcSocket, undefined);
  assertEquals(
    mac.plistFile,
    `/home/ada/Library/LaunchAgents/${SERVICE}.plist`,
  );
  assertEquals(
    mac.logFile,
    `/home/ada/Library/Logs/${SERVICE}/${SERVICE}.log`,
  );
});

Deno.test("names: systemd's units are where its users keep theirs, and launchd's of one login below STREAMLIB_HOME", () => {
  const directory = (
    variables: Record<string, string>,
    os: "linux" | "darwin" = "linux",
  ): string | undefined => names(env(variables), { os }).systemdDirectory;
  assertEquals(directory({ XDG_CONFIG_HOME: "/c" }), "/c/systemd/user");
  assertEquals(directory({}, "darwin"), undefined);
  const homeless = names({
    get: (name) => name === "STREAMLIB_HOME" ? "/s" : undefined,
  }, { os: "linux" });
  assertEquals(homeless.systemdDirectory, undefined);
  assertEquals(
    names(env({ STREAMLIB_HOME: "/s" }), { os: "darwin" }).sessionPlistFile,
    `/s/launchd/${SERVICE}.plist`,
  );
});

Deno.test("names: every name follows the service", () => {
  const all = names(env({ STREAMLIB_BROKER_XPC_SERVICE: "a.b-c_d" }), {
    os: "darwin",
  });
  for (
    const name of [
      all.service,
      all.grpcSocket,
      all.grpcAddress,
      all.logFile,
      all.launchdLabel,
      all.plistFile ?? "",
      all.sessionPlistFile ?? "",
      all.systemdUnit,
      all.systemdSocketUnit,
    ]
  ) assertStringIncludes(name, "a.b-c_d");
});

Deno.test("names: the run directory, first of STREAMLIB_HOME, XDG_RUNTIME_DIR, ~/.streamlib", () => {
  const run = (
    variables: Partial<Record<keyof Environment, string>>,
  ): string => onLinux(variables).runDirectory;
  assertEquals(
    run({ STREAMLIB_HOME: "/s", XDG_RUNTIME_DIR: "/run/user/1" }),
    "/s/run",
  );
  assertEquals(
    run({ XDG_RUNTIME_DIR: "/run/user/1" }),
    "/run/user/1/streamlib",
  );
  assertEquals(run({ XDG_CONFIG_HOME: "/c" }), "/home/ada/.streamlib/run");
  assertEquals(run({ XDG_RUNTIME_DIR: "" }), "/home/ada/.streamlib/run");
});

Deno.test("names: the home, first of STREAMLIB_HOME, XDG_CONFIG_HOME, ~/.streamlib", () => {
  assertEquals(
    onLinux({ STREAMLIB_HOME: "/s/", XDG_CONFIG_HOME: "/c" }).home,
    "/s",
  );
  assertEquals(onLinux({ XDG_CONFIG_HOME: "/c" }).home, "/c/streamlib");
  assertEquals(onLinux({}).home, "/home/ada/.streamlib");
});

Deno.test("names: STREAMLIB_HOME is enough, without HOME; with neither it says so", () => {
  const all = names(new Map([["STREAMLIB_HOME", "/s"]]), { os: "linux" });
  assertEquals(all.logDirectory, "/s/logs");
  refused(() => names(new Map(), { os: "linux" }), "HOME is not set");
});

Deno.test("names: dev mode hashes the checkout, and has a port and a home of its own", () => {
  const dev = onLinux({ STREAMLIB_DEV_MODE: "1" }, { checkout: "/src/bridge" });
  // printf %s /src/bridge | sha256sum
  assertEquals(dev.service, `${SERVICE}.dev-13c52e`);
  assertEquals(dev.home, "/src/bridge/.streamlib");
  assertEquals(dev.tcpAddress, "127.0.0.1:50052");
  assertEquals(
    onLinux({ STREAMLIB_DEV_MODE: "true" }, { checkout: "/src/bridge/" }),
    dev,
  );
  assertEquals(onLinux({ STREAMLIB_DEV_MODE: "0" }).service, SERVICE);
  const root = decodeURI(
    new URL("../../../.streamlib", import.meta.url).pathname,
  );
  assertEquals(onLinux({ STREAMLIB_DEV_MODE: "1" }).home, root);
  refused(
    () => onLinux({ STREAMLIB_DEV_MODE: "1" }, { checkout: "src" }),
    "src",
    "absolute",
  );
});

Deno.test("names: an explicit service takes the place of the variable and of dev mode", () => {
  const all = onLinux({
    STREAMLIB_BROKER_XPC_SERVICE: "from.env",
  }, { service: "from.option" });
  assertEquals(all.service, "from.option");
  refused(() => onLinux({}, { service: "a/b" }), "a/b", "service name");
});

Deno.test("names: a socket path of 103 bytes is kept, of 104 hashed, still too long refused", () => {
  const room = 103 - "/run".length - 1 - `${SERVICE}.grpc`.length;
  const fits = `/${"d".repeat(room - 1)}`;
  const kept = onLinux({ STREAMLIB_HOME: fits });
  assertEquals(kept.grpcSocket.length, 103);
  assertEquals(kept.grpcSocket, `${fits}/run/${SERVICE}.grpc`);

  const over = onLinux({ STREAMLIB_HOME: `${fits}d` });
  // printf %s com.tatolab.streamlib.broker | sha256sum
  assertEquals(over.grpcSocket, `${fits}d/run/1ac4227277984e23.grpc`);
  assertEquals(over.xpcSocket, `${fits}d/run/${SERVICE}.xpc`);

  const hashedRoom = 103 - "/run/".length - "0123456789abcdef.grpc".length;
  const last = `/${"d".repeat(hashedRoom - 1)}`;
  assertEquals(onLinux({ STREAMLIB_HOME: last }).grpcSocket.length, 103);
  refused(
    () => onLinux({ STREAMLIB_HOME: `${last}d` }),
    "grpc socket",
    "shortened it has 104",
    "103",
  );
});

Deno.test("names: socket paths are measured in bytes, not in characters", () => {
  const home = `/${"ü".repeat(36)}`;
  assert(!onLinux({ STREAMLIB_HOME: home }).grpcSocket.includes(SERVICE));
});

Deno.test("environment: a broker address with a scheme is refused with a hint", () => {
  refused(
    () => onLinux({ STREAMLIB_BROKER_ENDPOINT: "http://127.0.0.1:50051" }),
    "STREAMLIB_BROKER_ENDPOINT",
    "remove the http:// prefix",
  );
  refused(
    () => onLinux({ STREAMLIB_BROKER_ENDPOINT: "HTTPS://127.0.0.1:50051" }),
    "remove the HTTPS:// prefix",
  );
});

const GOOD: { [Name in keyof Environment]?: [string, Environment[Name]][] } = {
  STREAMLIB_BROKER_ENDPOINT: [
    ["unix:/a/b", "unix:/a/b"],
    ["unix:///a/b", "unix:/a/b"],
    [`unix:/${"a".repeat(102)}`, `unix:/${"a".repeat(102)}`],
    ["127.0.0.1:1", "127.0.0.1:1"],
    ["localhost:65535", "localhost:65535"],
    ["[::1]:50051", "[::1]:50051"],
  ],
  STREAMLIB_BROKER_PORT: [["1", 1], ["65535", 65535]],
  STREAMLIB_DEV_MODE: [["1", true], ["true", true], ["0", false], [
    "false",
    false,
  ]],
  STREAMLIB_BROKER_XPC_SERVICE: [["a", "a"], [
    "s".repeat(127),
    "s".repeat(127),
  ]],
  STREAMLIB_HOME: [["/", "/"], ["/a//", "/a"]],
  STREAMLIB_CONNECTION_ID: [["0f".repeat(16), "0f".repeat(16)]],
  STREAMLIB_CONNECTION_TOKEN: [["0f".repeat(32), "0f".repeat(32)]],
  STREAMLIB_RUNTIME_ID: [["r-1", "r-1"]],
};

const BAD: { [Name in keyof Environment]?: string[] } = {
  STREAMLIB_BROKER_ENDPOINT: [
    "unix:run/sock",
    "unix:",
    `unix:/${"a".repeat(103)}`,
    "127.0.0.1",
    "127.0.0.1:0",
    "127.0.0.1:65536",
    "10.0.0.1:50051",
    "/a/b",
  ],
  STREAMLIB_BROKER_PORT: ["0", "65536", "-1", "50051x", "1e3", " 1"],
  STREAMLIB_DEV_MODE: ["yes", "TRUE"],
  STREAMLIB_BROKER_XPC_SERVICE: [
    "s".repeat(128),
    "a b",
    "a/b",
    "ä",
    "a\n",
    ".a",
    "..",
  ],
  STREAMLIB_HOME: ["a", "./a", "/a\nb", "/a\0"],
  HOME: ["~"],
  XDG_CONFIG_HOME: ["c"],
  XDG_RUNTIME_DIR: ["r"],
  STREAMLIB_CONNECTION_ID: ["0f", "0F".repeat(16), "zz".repeat(16)],
  STREAMLIB_CONNECTION_TOKEN: ["0f".repeat(31), "zz".repeat(32)],
  STREAMLIB_RUNTIME_ID: ["a b", "a\nb", "r".repeat(257)],
};

for (const name of Object.keys(VARIABLES) as (keyof Environment)[]) {
  Deno.test(`environment: ${name}`, () => {
    assertEquals(readVariable(new Map(), name), undefined);
    assertEquals(readVariable(new Map([[name, ""]]), name), undefined);
    for (const [text, value] of GOOD[name] ?? []) {
      assertEquals<unknown>(readVariable(new Map([[name, text]]), name), value);
    }
    for (const text of BAD[name] ?? []) {
      refused(
        () => readVariable(new Map([[name, text]]), name),
        name,
        VARIABLES[name].expects,
      );
    }
  });
}

Deno.test("environment: a wrong token is never shown", () => {
  const secret = "5ec4e7".repeat(5);
  const error = assertThrows(
    () =>
      readVariable(
        new Map([["STREAMLIB_CONNECTION_TOKEN", secret]]),
        "STREAMLIB_CONNECTION_TOKEN",
      ),
    BridgeError,
  );
  assert(!error.message.includes(secret.slice(0, 6)));
  assertStringIncludes(error.message, "30 characters");
});

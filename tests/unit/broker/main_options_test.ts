import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  BROKER_USAGE,
  BrokerUsageError,
  type MainOptions,
  readBrokerOptions,
} from "../../../broker/main_options.ts";
import { BridgeError } from "../../../proto/errors.ts";

/** On macOS HOME is needed too: the logs are below it. */
const HOME = new Map([["STREAMLIB_HOME", "/h"], ["HOME", "/home/ada"]]);

function options(...args: string[]): MainOptions {
  const read = readBrokerOptions(args, HOME);
  if (read === "help") throw new Error("it gave help");
  return read;
}

function refusal(...args: string[]): string {
  return assertThrows(() => readBrokerOptions(args, HOME), BrokerUsageError)
    .message;
}

Deno.test("readOptions: the defaults stay for ever and log to stderr", () => {
  const read = options();
  assertEquals(read, {
    service: "com.tatolab.streamlib.broker",
    grpc: "unix:/h/run/com.tatolab.streamlib.broker.grpc",
    level: "info",
    logFile: undefined,
    limits: {},
    json: false,
    quotas: {},
  });
});

Deno.test("readOptions: every option is read", () => {
  assertEquals(
    options(
      "--service=com.example.b",
      "--listen",
      "unix:/r/s",
      "--log-level",
      "debug",
      "--log-file",
      "/l/b.log",
      "--idle-exit",
      "0.25",
      "--recycle-after",
      "1000",
      "--json",
      "--limits=connections=9,peers=12",
    ),
    {
      service: "com.example.b",
      grpc: "unix:/r/s",
      level: "debug",
      logFile: "/l/b.log",
      limits: { idleMs: 250, sessions: 1000 },
      json: true,
      quotas: { connections: 9, peers: 12 },
    },
  );
  assertEquals(options("--no-grpc").grpc, undefined);
  assertEquals(readBrokerOptions(["-h"], HOME), "help");
});

Deno.test("readOptions: in the foreground it stays, and logs to stderr", () => {
  const read = options(
    "--foreground",
    "--idle-exit=5",
    "--recycle-after=5",
    "--log-file=/l/b.log",
  );
  assertEquals([read.limits, read.logFile], [{}, undefined]);
});

Deno.test("readOptions: a bad value is named, also in the foreground", () => {
  const cases: [option: string, ...values: string[]][] = [
    ["--idle-exit", "", "0", "-1", "soon", "1e3", "99999999999", "Infinity"],
    ["--recycle-after", "", "0", "1.5", "-3", "many", "99999999999999999999"],
    ["--log-file", "", "relative.log", "/directory/", "/a\0b"],
    ["--log-level", "", "loud"],
  ];
  for (const [option, ...values] of cases) {
    for (const value of values) {
      const message = refusal(`${option}=${value}`, "--foreground");
      assertStringIncludes(message, option);
    }
  }
  assertStringIncludes(refusal("--sevice", "x"), '"--sevice"');
  assertStringIncludes(refusal("word"), '"word"');
  assertThrows(() => options("--service", "a b"), BridgeError, "service name");
});

Deno.test("readOptions: the help names every option, in 100 columns", () => {
  for (
    const option of [
      "--service",
      "--listen",
      "--no-grpc",
      "--log-level",
      "--log-file",
      "--idle-exit",
      "--recycle-after",
      "--limits",
      "--foreground",
      "--json",
      "--help",
    ]
  ) assertStringIncludes(BROKER_USAGE, option);
  for (const line of BROKER_USAGE.split("\n")) {
    assertEquals(line.length <= 100, true, line);
  }
});

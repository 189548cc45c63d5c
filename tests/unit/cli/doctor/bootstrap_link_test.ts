import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Examination, Known } from "../../../../cli/doctor/examination.ts";
import { examine } from "../../../../cli/doctor/doctor.ts";
import { LINKS, ok } from "../../../../cli/doctor/finding.ts";
import { bootstrapLink } from "../../../../cli/doctor/links/bootstrap.ts";
import { namesLink } from "../../../../cli/doctor/links/names.ts";
import type { TreeClient } from "../../../../cli/terminal/console.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import { PROTOCOL_VERSION } from "../../../../proto/wire/keys.ts";
import { TestConsole } from "../../../helpers/cli.ts";

const LOST =
  "Cannot reach the bootstrap: python3 (process 7) has it, and deno (process 8) does not: python3 must pass it on";

/** A process that was started in a bootstrap with this value of the variable, whose broker answers this way. */
function inTree(
  value: string,
  answer: TreeClient["call"] | BridgeError,
  loss?: string,
): Examination & { readonly console: TestConsole } {
  const console = new TestConsole();
  console.env.clear(); // no home directory
  if (value !== "") console.env.set("STREAMLIB_BOOTSTRAP", value);
  const client: TreeClient = {
    service: "com.tatolab.streamlib.broker",
    loss: () => loss,
    call: answer instanceof BridgeError ? () => Promise.reject(answer) : answer,
    [Symbol.dispose]: () => {},
  };
  console.connectTree = () => Promise.resolve(client);
  return {
    console,
    deno: "2.9.3",
    endpoint: undefined,
    known: {},
    probe: () => {
      throw new Error("the probe was asked for");
    },
  };
}

const answers = ((_: string) =>
  Promise.resolve({
    version: "1.2.3",
    protocol_version: PROTOCOL_VERSION,
  })) as unknown as TreeClient["call"];
const nobody = new BridgeError("broker_unreachable", "nobody serves it");
const BEHIND = ["xpc", "handshake", "frames", "control plane", "teardown"];

Deno.test("doctor, bootstrap: none, present, isolated, without a broker", async () => {
  const table: [
    value: string,
    answer: TreeClient["call"] | BridgeError,
    state: string,
    words: string,
    known: Known["bootstrap"],
  ][] = [
    ["", answers, "ok", "none", undefined],
    ["100:42", answers, "ok", "present; its broker 1.2.3 answered", {
      isolated: false,
      served: true,
    }],
    ["100:42:isolated", answers, "ok", "present, isolated; its broker", {
      isolated: true,
      served: true,
    }],
    ["100:42", nobody, "note", "present; nobody in it serves com.tatolab", {
      isolated: false,
      served: false,
    }],
    ["100:42:isolated", nobody, "note", "present, isolated; nobody in it", {
      isolated: true,
      served: false,
    }],
  ];
  for (const [value, answer, state, words, known] of table) {
    const examination = inTree(value, answer);
    const finding = await bootstrapLink.check(examination);
    assertEquals([value, finding.state], [value, state]);
    assertStringIncludes(finding.found, words);
    assertEquals(examination.known.bootstrap, known);
  }
});

Deno.test("doctor, bootstrap: a channel that was lost, with the program and the mend", async () => {
  const finding = await bootstrapLink.check(inTree("100:42", answers, LOST));
  assertEquals(
    [finding.state, finding.why, finding.mend, finding.unreachable],
    [
      "broken",
      `${LOST}. To leave the tree for this user's services instead:`,
      "unset STREAMLIB_BOOTSTRAP",
      true,
    ],
  );
  assertEquals<unknown>(finding.blocks, BEHIND);
});

Deno.test("doctor, bootstrap: a broker that does not answer, or is of another version", async () => {
  const table: [error: BridgeError, state: string, words: string][] = [
    [new BridgeError("timed_out", "late"), "broken", "does not answer"],
    [new BridgeError("version_mismatch", "2"), "broken", "another version"],
    [new BridgeError("library_not_found", "no"), "skipped", "cannot be loaded"],
  ];
  for (const [error, state, words] of table) {
    const finding = await bootstrapLink.check(inTree("100:42", error));
    assertEquals(finding.state, state);
    assertStringIncludes(finding.found, words);
    if (state === "broken") assert(finding.why && finding.mend);
  }
});

Deno.test("doctor: in a bootstrap with a broker no directory, socket or service is looked at", async () => {
  const outside = ["service", "run directory", "sockets", "grpc"];
  const found = async (examination: Examination): Promise<string[]> => {
    const links = LINKS.map((name) =>
      name === "bootstrap"
        ? bootstrapLink
        : name === "names"
        ? namesLink
        : { name, check: () => ok(name, "looked at") }
    );
    const findings = await Array.fromAsync(examine(examination, links));
    return findings.filter(({ state }) => state === "skipped")
      .map(({ link }) => link);
  };
  assertEquals(await found(inTree("100:42", answers)), outside);
  assertEquals(await found(inTree("100:42:isolated", nobody)), outside);
  assertEquals(
    await found({ ...inTree("100:42", answers), endpoint: "unix:/x" }),
    [],
  );
});

Deno.test("doctor: without a directory for sockets it looks at none, and goes on to the hosts", async () => {
  const socketless = ["service", "run directory", "sockets", "grpc"];
  const found = async (
    env: Readonly<Record<string, string>>,
    endpoint?: string,
  ): Promise<string[]> => {
    const examination = { ...inTree("", nobody), endpoint };
    for (const [name, value] of Object.entries(env)) {
      examination.console.env.set(name, value);
    }
    const links = LINKS.map((name) =>
      name === "names"
        ? namesLink
        : { name, check: () => ok(name, "looked at") }
    );
    const findings = await Array.fromAsync(examine(examination, links));
    const { state, why, mend } = findings.find(({ link }) => link === "names")!;
    assertEquals(state, "note");
    assertStringIncludes(why ?? "", "Hosts run without it");
    assertEquals(mend, "export STREAMLIB_HOME=/a/short/path");
    return findings.filter(({ state }) => state === "skipped")
      .map(({ link, found }) => `${link}: ${found}`);
  };
  const none = socketless.map((link) =>
    `${link}: there is no directory for it`
  );
  const long = { STREAMLIB_HOME: `/${"h".repeat(119)}` };
  for (const env of [{}, { STREAMLIB_DEV_MODE: "1" }, long]) {
    assertEquals(await found(env), none);
  }
  assertEquals(await found({}, "unix:/x"), none.slice(0, 3));
});

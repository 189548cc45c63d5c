import { assert, assertEquals } from "@std/assert";
import {
  isOfService,
  mismatchIn,
  partsIn,
} from "../../../../cli/doctor/installed.ts";
import { agentPlist } from "../../../../launchd/agent.ts";
import { serviceUnit, socketUnit } from "../../../../launchd/units.ts";
import { names } from "../../../../proto/names.ts";
import { AT_SCREEN } from "../../../helpers/launchd.ts";

const PROGRAM = { argv: ["/bin/broker"], environment: {} };
const env = new Map([["HOME", "/home/ada & co"]]);
const ours = names(env, { os: "linux" });
const oursOnMac = names(env, { os: "darwin" });
const theirs = names(env, { os: "linux", service: "com.example.other" });

Deno.test("doctor: what install writes has the right names", () => {
  const files = [
    { path: `/u/${ours.systemdSocketUnit}`, text: socketUnit(ours) },
    { path: `/u/${ours.systemdUnit}`, text: serviceUnit(ours, PROGRAM) },
  ];
  for (const file of files) {
    assert(isOfService(file, ours));
    assertEquals(mismatchIn(file, ours), undefined);
  }
  const plist = {
    path: oursOnMac.plistFile!,
    text: agentPlist(oursOnMac, PROGRAM, AT_SCREEN),
  };
  assert(isOfService(plist, oursOnMac));
  assertEquals(mismatchIn(plist, oursOnMac), undefined);
});

Deno.test("doctor: another service's files are none of ours", () => {
  const file = {
    path: `/u/${theirs.systemdSocketUnit}`,
    text: socketUnit(theirs),
  };
  assert(!isOfService(file, ours));
  assert(!isOfService({ path: "/u/ssh.socket", text: "[Socket]\n" }, ours));
});

Deno.test("doctor: each name that is not as it has to be", () => {
  const socket = socketUnit(ours),
    plist = agentPlist(oursOnMac, PROGRAM, AT_SCREEN);
  const inUnit = `/u/${ours.systemdSocketUnit}`;
  const table: [path: string, text: string, key: string, inPlace: boolean][] = [
    [
      inUnit,
      socket.replace(/(FileDescriptorName=).*/, "$1xpc"),
      "FileDescriptorName",
      true,
    ],
    [
      inUnit,
      socket.replace(/(ListenStream=).*/, "$1/elsewhere"),
      "ListenStream",
      true,
    ],
    [
      inUnit,
      socket.replace(/(ListenSequentialPacket=).*/, "$1/elsewhere"),
      "ListenSequentialPacket",
      true,
    ],
    ["/u/streamlib.socket", socket, "the file's name", false],
    [
      `/u/${ours.systemdUnit}`,
      serviceUnit(ours, PROGRAM)
        .replace(/(Requires=).*/, "$1streamlib.socket"),
      "Requires",
      true,
    ],
    [
      oursOnMac.plistFile!,
      plist.replace(
        /(<key>Label<\/key>\s*<string>).*(?=<)/,
        "$1com.streamlib.broker",
      ),
      "Label",
      true,
    ],
    [
      oursOnMac.plistFile!,
      plist.replace(
        /(<key>MachServices<\/key>\s*<dict>\s*<key>).*(?=<)/,
        "$1com.streamlib.xpc",
      ),
      "MachServices",
      true,
    ],
    [
      oursOnMac.plistFile!,
      plist.replace(/(<key>SockPathName<\/key>\s*<string>).*(?=<)/, "$1/x"),
      "SockPathName",
      true,
    ],
    ["/a/streamlib.plist", plist, "the file's name", false],
  ];
  for (const [path, text, key, inPlace] of table) {
    const all = path.endsWith(".plist") ? oursOnMac : ours;
    assert(isOfService({ path, text }, all), key);
    const found = mismatchIn({ path, text }, all);
    assertEquals([found?.key, found?.inPlace], [key, inPlace]);
  }
});

Deno.test("doctor: the parts of an installed broker, of a checkout, the package and a compiled one", () => {
  const deno = "/opt/deno & co/deno";
  const library = "/lib/libstreamlib_bridge.dylib";
  const modules = [
    "file:///checkout/broker/main.ts",
    "file:///package/dist/broker/main.js",
    undefined,
  ];
  for (const module of modules) {
    const argv = [deno, ...module ? ["run", module, "--log"] : ["--log"]];
    const environment = { STREAMLIB_LIBRARY: library };
    const plist = agentPlist(oursOnMac, { argv, environment }, AT_SCREEN);
    assertEquals(partsIn(plist), { runtime: deno, module, library });
  }
});

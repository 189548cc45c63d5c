import { assert, assertEquals, assertThrows } from "@std/assert";
import { Log } from "../../../../broker/log/log.ts";
import { LogFile } from "../../../../broker/log/log_file.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import { PrivateDirectory } from "../../../helpers/grpc_fixture.ts";
import { permittedTest } from "../../../helpers/permitted.ts";

const NEEDS = { read: true, write: true, sys: true } as const;

/** The user of this process; 0 without the permission, when no test here runs. */
const ME = Deno.permissions.querySync({ name: "sys", kind: "uid" }).state ===
    "granted"
  ? Deno.uid() ?? 0
  : 0;

function mode(path: string): string {
  return ((Deno.lstatSync(path).mode ?? 0) & 0o777).toString(8);
}

function files(directory: string): Record<string, string> {
  return Object.fromEntries(
    [...Deno.readDirSync(directory)].map(({ name }) =>
      [name, Deno.readTextFileSync(`${directory}/${name}`)] as const
    ).sort(),
  );
}

permittedTest("LogFile: it is its user's alone, and appended to", NEEDS, () => {
  using directory = new PrivateDirectory();
  const path = `${directory.path}/a/logs/b.log`;
  for (const line of ["one\n", "two\n"]) {
    using file = LogFile.open(path, ME);
    file.write(line);
  }
  assertEquals(Deno.readTextFileSync(path), "one\ntwo\n");
  assertEquals(mode(path), "600");
  assertEquals(mode(`${directory.path}/a/logs`), "700");
});

permittedTest(
  "LogFile: full it is put aside, and the oldest goes",
  NEEDS,
  () => {
    using directory = new PrivateDirectory();
    const logs = `${directory.path}/logs`;
    using file = LogFile.open(`${logs}/b.log`, ME, { bytes: 8, kept: 2 });
    const seen: Record<string, string>[] = [];
    for (const line of ["1\n", "22\n", "333\n", "4444444444\n", "5\n", "6\n"]) {
      file.write(line);
      seen.push(files(logs));
    }
    assertEquals(seen, [
      { "b.log": "1\n" },
      { "b.log": "1\n22\n" },
      { "b.log": "333\n", "b.log.1": "1\n22\n" },
      { "b.log": "4444444444\n", "b.log.1": "333\n", "b.log.2": "1\n22\n" },
      { "b.log": "5\n", "b.log.1": "4444444444\n", "b.log.2": "333\n" },
      { "b.log": "5\n6\n", "b.log.1": "4444444444\n", "b.log.2": "333\n" },
    ]);
    for (const name of Object.keys(files(logs))) {
      assertEquals(mode(`${logs}/${name}`), "600");
    }
  },
);

permittedTest("LogFile: what was there before counts", NEEDS, () => {
  using directory = new PrivateDirectory();
  const path = `${directory.path}/b.log`;
  Deno.writeTextFileSync(path, "12345678\n");
  using file = LogFile.open(path, ME, { bytes: 10, kept: 1 });
  file.write("new\n");
  assertEquals(Deno.readTextFileSync(`${path}.1`), "12345678\n");
});

permittedTest(
  "LogFile: a rotation that fails costs lines, counted, and no call",
  NEEDS,
  () => {
    using directory = new PrivateDirectory();
    const path = `${directory.path}/b.log`;
    using file = LogFile.open(path, ME, { bytes: 1, kept: 1 });
    const log = new Log("test", {
      now: () => 0,
      sink: (line) => file.write(line),
    });
    log.info("first");
    // The path of the older file is a directory, so nothing can be renamed to it.
    Deno.mkdirSync(`${path}.1`);
    log.info("lost");
    log.info("lost too");
    Deno.removeSync(`${path}.1`);
    log.info("second");
    const record = JSON.parse(Deno.readTextFileSync(path));
    assertEquals([record.message, record.lost_before], ["second", 2]);
  },
);

permittedTest(
  "LogFile: a disk that is full costs lines, counted, and no call",
  NEEDS,
  () => {
    const log = (file: LogFile): Log =>
      new Log("test", { now: () => 0, sink: (line) => file.write(line) });
    // /dev/full: a full disk without being root.
    assertThrows(() => LogFile.open("/dev/full", ME), BridgeError);
    using directory = new PrivateDirectory();
    using file = LogFile.open(`${directory.path}/b.log`, ME);
    log(file).info("there");
    file[Symbol.dispose]();
    Deno.removeSync(directory.path, { recursive: true });
    log(file).info("there is no directory any more"); // does not throw
    Deno.mkdirSync(directory.path);
    log(file).info("and again");
    assert(Deno.readTextFileSync(file.path).includes("and again"));
  },
);

permittedTest(
  "LogFile: planted, or where others write, it is refused",
  NEEDS,
  () => {
    using directory = new PrivateDirectory();
    const { path } = directory;
    const refusal = (at: string): BridgeError =>
      assertThrows(() => LogFile.open(at, ME), BridgeError);
    Deno.symlinkSync(`${path}/target`, `${path}/link.log`);
    Deno.mkdirSync(`${path}/open`);
    Deno.chmodSync(`${path}/open`, 0o770);
    Deno.symlinkSync(`${path}/open`, `${path}/away`);
    for (const at of ["link.log", "open", "open/b.log", "away/b.log"]) {
      const error = refusal(`${path}/${at}`);
      assertEquals(error.code, "not_permitted", at);
      assert(error.message.includes(`${path}/`), error.message);
    }
    assertEquals([...Deno.readDirSync(`${path}/open`)], []);
    assertThrows(() => Deno.lstatSync(`${path}/target`), Deno.errors.NotFound);
    Deno.writeTextFileSync(`${path}/file`, "");
    assertEquals(refusal(`${path}/file/b.log`).code, "native_failure");
  },
);

permittedTest(
  "LogFile: a directory or a file of another user is refused",
  NEEDS,
  () => {
    using directory = new PrivateDirectory();
    const path = `${directory.path}/b.log`;
    LogFile.open(path, ME)[Symbol.dispose]();
    // Only root can give files away; for others, this user stands for another.
    const process = ME === 0 ? 0 : ME + 1;
    if (ME === 0) Deno.chownSync(path, 65534, 65534);
    const refusal = (): BridgeError =>
      assertThrows(() => LogFile.open(path, process), BridgeError);
    assert(refusal().message.includes(`${path}: it belongs to the user`) || ME);
    if (ME === 0) Deno.chownSync(directory.path, 65534, 65534);
    Deno.removeSync(path);
    assert(
      refusal().message.includes(`${directory.path}: it belongs to the user`),
    );
    assertEquals(refusal().code, "not_permitted");
  },
);

permittedTest(
  "LogFile: a link that is planted before a rotation is refused, and its target is as before",
  NEEDS,
  () => {
    using directory = new PrivateDirectory();
    const path = `${directory.path}/b.log`, target = `${directory.path}/victim`;
    Deno.writeTextFileSync(target, "mine");
    using file = LogFile.open(path, ME, { bytes: 1, kept: 0 });
    file.write("first\n");
    file[Symbol.dispose]();
    Deno.removeSync(path);
    Deno.symlinkSync(target, path);
    assertThrows(
      () => file.write("second\n"),
      BridgeError,
      "not a regular file",
    );
    assertEquals(Deno.readTextFileSync(target), "mine");
    Deno.removeSync(path);
    file.write("third\n");
    assertEquals(Deno.readTextFileSync(path), "third\n");
  },
);

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Log } from "../../../../broker/log/log.ts";
import { LogFile } from "../../../../broker/log/log_file.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import { PrivateDirectory } from "../../../helpers/grpc_fixture.ts";
import { permittedTest } from "../../../helpers/permitted.ts";

const NEEDS = { read: true, write: true } as const;

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
    using file = LogFile.open(path);
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
    using file = LogFile.open(`${logs}/b.log`, { bytes: 8, kept: 2 });
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
  using file = LogFile.open(path, { bytes: 10, kept: 1 });
  file.write("new\n");
  assertEquals(Deno.readTextFileSync(`${path}.1`), "12345678\n");
});

permittedTest(
  "LogFile: a rotation that fails costs lines, counted, and no call",
  NEEDS,
  () => {
    using directory = new PrivateDirectory();
    const path = `${directory.path}/b.log`;
    using file = LogFile.open(path, { bytes: 1, kept: 1 });
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
    assertThrows(() => LogFile.open("/dev/full"), BridgeError);
    using directory = new PrivateDirectory();
    using file = LogFile.open(`${directory.path}/b.log`);
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
      assertThrows(() => LogFile.open(at), BridgeError);
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

import { assertEquals } from "@std/assert";
import {
  baseFault,
  directoryFault,
  hiddenFault,
  type PathInfo,
  socketFault,
} from "../../../../cli/doctor/paths.ts";

const info = (rest: Partial<NonNullable<PathInfo>>): NonNullable<PathInfo> => ({
  isDirectory: true,
  isSymlink: false,
  isSocket: false,
  mode: 0o40700,
  uid: 1000,
  ...rest,
});

Deno.test("doctor: directories", () => {
  const fault = (rest?: Partial<NonNullable<PathInfo>>) =>
    directoryFault("/run/a b", rest && info(rest), 1000)?.mend;
  assertEquals(fault(), undefined);
  assertEquals(fault({}), undefined);
  assertEquals(fault({ mode: 0o40755 }), "chmod 700 '/run/a b'");
  assertEquals(fault({ mode: 0o40600 }), "chmod 700 '/run/a b'");
  assertEquals(fault({ uid: 0 }), "sudo chown -R 1000 '/run/a b'");
  assertEquals(fault({ isSymlink: true, isDirectory: false }), "rm '/run/a b'");
  assertEquals(fault({ isDirectory: false }), "mv '/run/a b' '/run/a b.old'");
  // Never the advice to change a directory of the system.
  const own = 'export STREAMLIB_HOME="$HOME/.streamlib"';
  const shared = info({ uid: 0, mode: 0o40755 });
  assertEquals(directoryFault("/run", shared, 0)?.mend, own);
  assertEquals(directoryFault("/run", shared, 1000)?.mend, own);
  const sticky = info({ uid: 0, mode: 0o41777 });
  assertEquals(directoryFault("/var/tmp", sticky, 0)?.mend, own);
  assertEquals(
    baseFault("XDG_RUNTIME_DIR", "/run/user/1000", info({}), 1001)?.mend,
    "unset XDG_RUNTIME_DIR",
  );
  assertEquals(baseFault("XDG_RUNTIME_DIR", "/r", info({}), 1000), undefined);
  assertEquals(baseFault("XDG_RUNTIME_DIR", "/r", undefined, 1000), undefined);
  assertEquals(
    directoryFault("/run/x", info({ uid: 1000 }), 0)?.mend,
    "chown -R 0 /run/x",
  );
});

Deno.test("doctor: sockets", () => {
  const socket = { isDirectory: false, isSocket: true, mode: 0o140600 };
  const fault = (rest: Partial<NonNullable<PathInfo>>) =>
    socketFault("/run/s", info({ ...socket, ...rest }), 1000)?.mend;
  assertEquals(fault({}), undefined);
  assertEquals(fault({ mode: 0o140666 }), "chmod 600 /run/s");
  assertEquals(fault({ mode: 0o140700 }), undefined);
  assertEquals(fault({ uid: 7 }), "sudo chown -R 1000 /run/s");
  assertEquals(fault({ isSocket: false }), "mv /run/s /run/s.old");
});

Deno.test("doctor: a path that cannot be looked at", () => {
  const { PermissionDenied, NotCapable, NotFound } = Deno.errors;
  const found = (error: Error) => hiddenFault("/run/user/0/streamlib", error);
  assertEquals(
    found(new PermissionDenied("x"))?.found,
    "/run/user/0/streamlib cannot be looked at",
  );
  assertEquals(
    found(new NotCapable("x"))?.mend,
    'export STREAMLIB_HOME="$HOME/.streamlib"',
  );
  assertEquals(found(new NotFound("x")), undefined);
});

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { brokerProgram } from "../../../launchd/broker_program.ts";
import {
  type BrokerParts,
  keepParts,
  keepShim,
  removeUnusedCopies,
  unfitParts,
} from "../../../launchd/kept_copy.ts";
import { agentPlist } from "../../../launchd/agent.ts";
import { isThere } from "../../../launchd/files.ts";
import { serviceUnit } from "../../../launchd/units.ts";
import { ServiceError } from "../../../launchd/service_error.ts";
import type { Names } from "../../../proto/names.ts";
import { run } from "../../helpers/child.ts";
import { AT_SCREEN } from "../../helpers/launchd.ts";
import { MacFiles } from "../../helpers/mac_files.ts";
import { permittedTest } from "../../helpers/permitted.ts";
import { namesOf } from "../../helpers/service.ts";

const NEEDS = { read: true, write: true } as const;

/** Writes the property list of a service with these parts, as `install` does. */
async function install(names: Names, parts: BrokerParts): Promise<void> {
  const program = brokerProgram({ names, ...parts });
  await Deno.mkdir(names.plistFile!.replace(/\/[^/]*$/, ""), {
    recursive: true,
  });
  await Deno.writeTextFile(
    names.plistFile!,
    agentPlist(names, program, AT_SCREEN),
  );
}

permittedTest(
  "kept copy: what launchd can run where it is, is not copied; on Linux nothing is",
  NEEDS,
  async () => {
    using mac = new MacFiles();
    const parts = mac.parts(mac.checkout("src"), mac.deno(".deno/bin"));
    assertEquals(await keepParts(mac.names, parts), { parts, remarks: [] });
    const documents = mac.parts(mac.checkout("Documents"), parts.runtime);
    const linux = namesOf(mac.home, "linux");
    assertEquals(await unfitParts(linux, documents), []);
    assertEquals(await keepParts(linux, documents), {
      parts: documents,
      remarks: [],
    });
  },
);

permittedTest(
  "kept copy: a checkout in Documents, through a link, and its shim; only what has changed is copied again",
  NEEDS,
  async () => {
    using mac = new MacFiles();
    const checkout = mac.checkout("Documents");
    Deno.symlinkSync(`${mac.home}/Documents`, `${mac.home}/work`);
    const parts = mac.parts(
      checkout.replace("Documents", "work"),
      mac.deno(".deno/bin"),
    );
    const { parts: kept, remarks } = await keepParts(mac.names, parts);
    assertEquals(remarks.length, 1);
    assertEquals(kept.runtime, parts.runtime);
    for (const path of [kept.module!.slice("file://".length), kept.library]) {
      assert(path.startsWith(`${mac.names.home}/installed/`), path);
      assert(Deno.statSync(path).isFile);
    }
    assertEquals((await keepParts(mac.names, parts)).parts, kept);
    await install(mac.names, kept);
    assertEquals(await removeUnusedCopies(mac.names), []);
    Deno.writeTextFileSync(`${checkout}/proto/names.ts`, "// changed\n");
    const changed = await keepParts(mac.names, parts);
    assert(changed.parts.module !== kept.module);
    await install(mac.names, changed.parts);
    assertEquals((await removeUnusedCopies(mac.names)).length, 1);
    assert(Deno.statSync(changed.parts.library).isFile);
    await Deno.remove(mac.names.plistFile!);
    assertEquals((await removeUnusedCopies(mac.names)).length, 1);
    assertEquals(Array.from(Deno.readDirSync(mac.names.home)), []);
  },
);

permittedTest(
  "kept copy: a Deno in npx's cache outlives the cache, and others' files beside it stay",
  NEEDS,
  async () => {
    using mac = new MacFiles();
    const deno = mac.deno(".npm/_npx/ab12/node_modules/deno");
    const parts = mac.parts(mac.checkout("src"), deno);
    const { parts: kept, remarks } = await keepParts(mac.names, parts);
    assert(remarks[0]!.startsWith(`This Deno is in ${mac.home}/.npm/_npx, `));
    await Deno.remove(`${mac.home}/.npm`, { recursive: true });
    assertEquals(Deno.statSync(kept.runtime).mode! & 0o777, 0o755);
    assertEquals(kept.module, parts.module);
    const other = `${mac.names.home}/installed/com.example.other-0123abcd`;
    await Deno.mkdir(other);
    assertEquals((await removeUnusedCopies(mac.names)).length, 1);
    assert(Deno.statSync(other).isDirectory);
  },
);

permittedTest(
  "kept copy: a STREAMLIB_HOME in Documents is refused, as in dev mode there",
  NEEDS,
  async () => {
    using mac = new MacFiles();
    const parts = mac.parts(mac.checkout("Documents"), mac.deno(".deno/bin"));
    const names = mac.namesWith({
      STREAMLIB_HOME: `${mac.home}/Documents/streamlib/.streamlib`,
    });
    const error = await assertRejects(
      () => keepParts(names, parts),
      ServiceError,
    );
    assertEquals(
      [error.code, error.next],
      ["bad_argument", 'export STREAMLIB_HOME="$HOME/.streamlib"'],
    );
    await assertRejects(() => Deno.lstat(names.home), Deno.errors.NotFound);
  },
);

permittedTest(
  "kept copy: a broker runs from the copy of a checkout that is gone",
  { ...NEEDS, run: true, env: true },
  async () => {
    using mac = new MacFiles();
    const root = await mac.realCheckout("Documents");
    const { parts } = await keepParts(
      mac.names,
      mac.parts(root, mac.deno(".deno/bin")),
    );
    await Deno.remove(root, { recursive: true });
    const { code, stdout, stderr } = await run(Deno.execPath(), {
      args: [
        "run",
        "-q",
        "--cached-only",
        "--no-prompt",
        "--allow-import",
        parts.module!,
        "--help",
      ],
      cwd: "/",
    });
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, "--idle-exit");
  },
);

permittedTest(
  "kept copy: a shim that is in no file gets one, which stays while a unit names it",
  NEEDS,
  async () => {
    const home = await Deno.makeTempDir();
    try {
      const names = namesOf(home, "linux");
      const shim = {
        sha256: "0123456789abcdef".repeat(4),
        base64: new TextEncoder().encode("a shim").toBase64(),
      };
      const path = await keepShim(names, shim, "shim.so");
      assertEquals(
        path,
        `${names.home}/installed/${names.service}-0123456789abcdef/shim.so`,
      );
      const folder = path.slice(0, -"/shim.so".length);
      assertEquals((await Deno.stat(folder)).mode! & 0o777, 0o700);
      await Deno.writeTextFile(path, "changed");
      assertEquals(await keepShim(names, shim, "shim.so"), path);
      assertEquals(await Deno.readTextFile(path), "a shim");
      assertEquals([...Deno.readDirSync(folder)].length, 1);
      const program = brokerProgram({
        names,
        runtime: "/bin/deno",
        module: "https://modules.example/broker/main.ts",
        library: path,
      });
      await Deno.mkdir(names.systemdDirectory!, { recursive: true });
      const unit = `${names.systemdDirectory}/${names.systemdUnit}`;
      await Deno.writeTextFile(unit, serviceUnit(names, program));
      assertEquals(await removeUnusedCopies(names), []);
      await Deno.remove(unit);
      assertEquals(await removeUnusedCopies(names), [folder]);
      assertEquals(await isThere(`${names.home}/installed`), false);
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  },
);

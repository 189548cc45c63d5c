import { assertEquals, assertStringIncludes } from "@std/assert";
import { serviceUnit, socketUnit } from "../../launchd/units.ts";
import { debianPackages, librariesIn } from "../../tools/install/debian.ts";
import { run } from "../helpers/child.ts";
import { permittedStep, permittedTest } from "../helpers/permitted.ts";
import { AWKWARD, namesOf, programOf } from "../helpers/service.ts";

const NEEDS = {
  read: true,
  write: true,
  run: true,
  env: true,
  linux: "systemd",
} as const;

/** A `systemd-analyze`, and the environment variables that it needs. */
interface Analyzer {
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Returns the machine's `systemd-analyze`, or else Debian's, unpacked; or else the reason why neither exists. */
async function analyzer(): Promise<Analyzer | string> {
  try {
    await run("systemd-analyze", { args: ["--version"] });
    return { program: "systemd-analyze", env: {} };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  try {
    const root = await debianPackages(["systemd", "libsystemd-shared"]);
    return {
      program: `${root}usr/bin/systemd-analyze`,
      env: { LD_LIBRARY_PATH: `${await librariesIn(root)}/systemd` },
    };
  } catch (error) {
    return (error as Error).message;
  }
}

/** Asserts that systemd finds no fault in the units. */
async function verifies(found: Analyzer): Promise<void> {
  const root = await Deno.makeTempDir();
  /** Returns the messages of `systemd-analyze verify` about the units in a home. */
  const complaints = async (
    home: string,
    edit = (unit: string): string => unit,
  ): Promise<string> => {
    const names = namesOf(home, "linux");
    const units = names.systemdDirectory!;
    await Deno.mkdir(units, { recursive: true });
    // systemd checks that the program is executable, so it must parse its path.
    const program = programOf(home);
    await Deno.mkdir(`${home}/bin`, { recursive: true });
    await Deno.writeTextFile(program.argv[0]!, "", { mode: 0o755 });
    const paths = [names.systemdSocketUnit, names.systemdUnit]
      .map((unit) => `${units}/${unit}`);
    const texts = [socketUnit(names), serviceUnit(names, program)];
    for (const [at, path] of paths.entries()) {
      await Deno.writeTextFile(path, edit(texts[at]!));
    }
    const { stdout, stderr } = await run(found.program, {
      args: ["verify", "--user", "--man=no", ...paths],
      env: { ...found.env, HOME: home, XDG_RUNTIME_DIR: home },
    });
    return stdout + stderr;
  };
  try {
    assertEquals(await complaints(`${root}/plain`), "");
    assertEquals(await complaints(`${root}${AWKWARD}`), "");
    // systemd skips that check for a path with a quote or a backslash, so this path has neither.
    assertEquals(await complaints(`${root}/Ada & Sö <1> 50% $HOME, 二`), "");
    // This shows that the test can fail.
    const wrong = await complaints(
      `${root}/wrong`,
      (unit) =>
        unit.replace("RemoveOnStop", "RemoveOnStopp").replace(
          "/bin/",
          "/bon/",
        ),
    );
    assertStringIncludes(wrong, "RemoveOnStopp");
    assertStringIncludes(wrong, "is not executable");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

permittedTest(
  "install: systemd finds nothing to complain about in the units, also where paths are awkward",
  NEEDS,
  async (t) => {
    const found = await analyzer();
    const lacking = typeof found === "string" ? found : undefined;
    await permittedStep(
      t,
      "by systemd-analyze",
      lacking,
      () => verifies(found as Analyzer),
    );
  },
);

import { assert, assertEquals, assertMatch } from "@std/assert";
import { run } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedStep, permittedTest } from "../helpers/permitted.ts";
import { RunStage } from "../helpers/run_stage.ts";
import { lapse } from "../helpers/soon.ts";
import {
  compileTreePrograms,
  Tree,
  type TreePrograms,
} from "../helpers/tree.ts";

/**
 * Ordinary XPC programs in C below a bootstrap: they find each other through the
 * channel that they inherit, and nothing else changes for them.
 */

const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  linux: "the bootstrap",
} as const;

const NAME = "com.example.tree";
const ENDED =
  /^invalid: the bootstrap that has started this process, or one above it, has ended$/;

/** Runs a test with the programs, and with a directory of services of its own, which must stay empty. */
function treeTest(
  name: string,
  body: (programs: TreePrograms, t: Deno.TestContext) => Promise<void>,
  needs: { exhaustive?: true } = {},
): void {
  permittedTest(
    `below a bootstrap: ${name}`,
    { ...NEEDS, ...needs },
    async (t) => {
      const programs = await compileTreePrograms();
      using home = isolatedHome();
      await body(programs, t);
      assertEquals([...Deno.readDirSync(home.path)], []);
    },
  );
}

/** Starts a service below the bootstrap, and returns its process. */
async function serve(
  tree: Tree,
  { service }: TreePrograms,
  name = NAME,
): Promise<number> {
  const serving = new RegExp(`^serving ${name} (\\d+)$`);
  const before = tree.count(serving);
  await tree.run(`exec ${service} ${name}`);
  return Number((await tree.line(serving, before + 1))[1]);
}

/** Starts a client that asks at each signal, and returns its process. */
async function waiting(tree: Tree, { asker }: TreePrograms): Promise<number> {
  const ready = /^ready (\d+)$/;
  const before = tree.count(ready);
  await tree.run(`exec ${asker} ${NAME} stay`);
  return Number((await tree.line(ready, before + 1))[1]);
}

treeTest("a service that is killed and started again", async (programs) => {
  await using tree = Tree.start(programs);
  const first = await serve(tree, programs);
  await tree.line(new RegExp(`^registered ${NAME} ${first}$`));
  const client = await waiting(tree, programs);
  tree.signal("SIGUSR1", client);
  await tree.line(new RegExp(`^answered by ${first}$`));
  tree.signal("SIGKILL", first);
  await tree.line(/^interrupted$/);
  await tree.line(new RegExp(`^gone ${NAME} ${first}$`));
  const second = await serve(tree, programs);
  tree.signal("SIGUSR1", client);
  await tree.line(new RegExp(`^answered by ${second}$`));
  assertEquals(tree.count(/^interrupted$/), 1);
});

permittedTest(
  "below `streamlib run`: a service in C that is killed and started again",
  NEEDS,
  async () => {
    const { service, asker } = await compileTreePrograms();
    await using stage = await RunStage.make();
    const script = `
wait_for() { until grep -q "$1" "$FOLDER/$2"; do sleep 0.05; done; }
serve() { ${service} ${NAME} >"$FOLDER/$1" & wait_for "^serving ${NAME} $!" "$1"; }
serve first; first=$!
${asker} ${NAME} stay >"$FOLDER/asker" & asker=$!
wait_for ^ready asker
kill -USR1 $asker; wait_for "^answered by $first$" asker
kill -KILL $first; wait_for ^interrupted asker
serve second; second=$!
kill -USR1 $asker; wait_for "^answered by $second$" asker
kill -KILL $asker $second
sed "s/ $first$/ first/; s/ $second$/ second/; s/ $asker$//" "$FOLDER/asker"
`;
    await Deno.writeTextFile(`${stage.folder}/script`, script);
    const { code, stdout, stderr } = await stage.sh(
      'streamlib run -- sh "$FOLDER/script"',
    );
    assertEquals(
      [code, stdout],
      [
        0,
        "ready\nactivated\nanswered by first\ninterrupted\nanswered by second\n",
      ],
      stderr,
    );
  },
);

treeTest("a bootstrap that is killed", async (programs) => {
  await using tree = Tree.start(programs);
  const service = await serve(tree, programs);
  const client = await waiting(tree, programs);
  const late = await waiting(tree, programs);
  tree.signal("SIGUSR1", client);
  await tree.line(new RegExp(`^answered by ${service}$`));
  await tree.kill();
  // What was connected goes on, and the service has noticed nothing.
  tree.signal("SIGUSR1", client);
  await tree.line(new RegExp(`^answered by ${service}$`), 2);
  assertEquals(tree.count(/^refused/), 0);
  // A new look-up says why it cannot be made; so does a client whose service is gone.
  tree.signal("SIGUSR1", late);
  await tree.line(ENDED);
  tree.signal("SIGKILL", service);
  await tree.line(/^interrupted$/);
  tree.signal("SIGUSR1", client);
  await tree.line(ENDED, 2);
});

treeTest("two trees with the same name do not meet", async (programs) => {
  await using left = Tree.start(programs);
  await using right = Tree.start(programs);
  const pids = await Promise.all(
    [left, right].map((it) => serve(it, programs)),
  );
  assert(pids[0] !== pids[1]);
  for (const [i, tree] of [left, right].entries()) {
    assertEquals(await tree.ends(`exec ${programs.asker} ${NAME} once`), 0);
    await tree.line(new RegExp(`^answered by ${pids[i]}$`));
  }
  // Nobody outside reaches either.
  const outside = await run(programs.asker, { args: [NAME, "once"] });
  assertEquals(outside.code, 1);
  assertMatch(outside.stdout, /^invalid: no such service/m);
});

treeTest(
  "a name that is taken, and one that nobody serves",
  async (programs) => {
    await using tree = Tree.start(programs, { isolated: true });
    await serve(tree, programs);
    assertEquals(await tree.ends(`exec ${programs.service} ${NAME}`), 1);
    await tree.line(
      /^refused .*: the bootstrap does not register the name: another process already serves this name in its tree$/,
    );
    assertEquals(
      await tree.ends(`exec ${programs.asker} com.example.nobody once`),
      1,
    );
    await tree.line(
      /^invalid: no such service: nobody serves 'com.example.nobody' in the isolated tree of this process$/,
    );
  },
);

/** How long it is stopped: the second is longer than a registration waits. */
const STOPS = [
  { name: "", ms: 300, needs: {} },
  { name: " for 6 s", ms: 6_000, needs: { exhaustive: true } },
] as const;

for (const { name, ms, needs } of STOPS) {
  treeTest(
    `a bootstrap that is stopped${name} while a client activates`,
    async (programs) => {
      await using tree = Tree.start(programs);
      const service = await serve(tree, programs);
      const client = await waiting(tree, programs);
      await tree.stop();
      tree.signal("SIGUSR1", client);
      await tree.line(/^activated$/); // while it is stopped
      await lapse(ms);
      assertEquals(tree.count(/^(answered|no answer|interrupted|invalid)/), 0);
      tree.signal("SIGCONT");
      await tree.line(new RegExp(`^answered by ${service}$`));
      assertEquals(tree.count(/^(no answer|interrupted|invalid)/), 0);
    },
    needs,
  );
}

treeTest(
  "a bootstrap that is stopped while a service registers",
  async (programs) => {
    await using tree = Tree.start(programs);
    await tree.run(`exec ${programs.service} ${NAME} late`);
    const [, service] = await tree.line(/^ready (\d+)$/);
    await tree.stop();
    tree.signal("SIGUSR1", Number(service));
    await tree.line(
      /^refused .*: the bootstrap does not register the name: it has not answered in time$/,
    );
    tree.signal("SIGCONT");
    await serve(tree, programs); // the name is free
    assertEquals(await tree.ends(`exec ${programs.asker} ${NAME} once`), 0);
  },
  { exhaustive: true },
);

/** Why a program does not do here what is asked of it; `undefined` if it does. */
async function failsAt(
  program: string,
  ...args: string[]
): Promise<string | undefined> {
  try {
    const { code } = await run(program, { args });
    if (code === 0) return undefined;
    return `'${[program, ...args].join(" ")}' has failed`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `no ${program}`;
    throw error;
  }
}

/** Commands below which a program still has its channel; `$ASK` is the client. The second: what shows that it can run here. */
const KEEPERS: Record<string, [command: string, probe: [string, ...string[]]]> =
  {
    bash: [`bash -c 'exec 3>/dev/null 4>&3; $ASK'`, ["bash", "-c", "true"]],
    "few descriptors": [`sh -c 'ulimit -n 64; exec $ASK'`, ["true"]],
    make: [`printf 'all:\\n\\t@$ASK\\n' | make -s -f -`, ["make", "--version"]],
    node: [
      `node -e 'process.exit(require("node:child_process").spawnSync("sh", ["-c", "$ASK"], { stdio: "inherit" }).status)'`,
      ["node", "--version"],
    ],
    perl: [`perl -e 'exit(system("$ASK") >> 8)'`, ["perl", "-e", "1"]],
    setsid: [`setsid --wait nohup $ASK`, ["setsid", "--version"]],
    "a user namespace": [`unshare -Ur $ASK`, ["unshare", "-Ur", "true"]],
    "a pid namespace": [
      `unshare -Urpf --mount-proc $ASK`,
      ["unshare", "-Urpf", "--mount-proc", "true"],
    ],
    "python3 with pass_fds": [
      `python3 -c 'import os, subprocess, sys; fd = int(os.environ["STREAMLIB_BOOTSTRAP"].split(":")[0]); sys.exit(subprocess.run(["sh", "-c", "$ASK"], pass_fds=[fd]).returncode)'`,
      ["python3", "--version"],
    ],
  };

treeTest("programs that keep the channel", async (programs, t) => {
  await using tree = Tree.start(programs);
  const service = await serve(tree, programs);
  const answered = new RegExp(`^answered by ${service}$`);
  for (const [name, [command, probe]] of Object.entries(KEEPERS)) {
    await permittedStep(t, name, await failsAt(...probe), async () => {
      const before = tree.count(answered);
      const line = command.replace("$ASK", `${programs.asker} ${NAME} once`);
      assertEquals(await tree.ends(line), 0, tree.errors);
      await tree.line(answered, before + 1);
    });
  }
});

const LOST =
  /^invalid: the channel to the bootstrap, descriptor \d+, did not reach this process: /;

treeTest("programs that lose the channel", async (programs, t) => {
  await using tree = Tree.start(programs);
  await serve(tree, programs);
  const ask = `${programs.asker} ${NAME} once`;
  const loses = async (
    name: string,
    program: string,
    command: string,
    words: RegExp,
  ): Promise<void> => {
    const lacking = await failsAt(program, "--version");
    await permittedStep(t, name, lacking, async () => {
      const before = tree.count(LOST);
      assertEquals(await tree.ends(command), 1, tree.errors);
      assertMatch((await tree.line(LOST, before + 1)).input, words);
    });
  };
  await loses(
    "Python's subprocess",
    "python3",
    `python3 -c 'import subprocess, sys; sys.exit(subprocess.run(["${programs.asker}", "${NAME}", "once"]).returncode)'`,
    /: python3? ?\(process \d+\) has it, and tree_asker \(process \d+\), which it has started, does not: .*pass_fds=\[\d+\]/,
  );
  await loses(
    "a shell below Python's subprocess",
    "python3",
    `python3 -c 'import subprocess, sys; sys.exit(subprocess.run("${ask}; exit $?", shell=True).returncode)'`,
    /: python3? ?\(process \d+\) has it, and sh \(process \d+\), which it has started, does not: /,
  );
  await loses(
    "a program that closes what it does not know",
    "perl",
    `exec perl -MPOSIX -e 'POSIX::close($_) for 3..1023; exec @ARGV' ${ask}`,
    /: a program between the bootstrap and this process has closed it, and no longer runs; unset STREAMLIB_BOOTSTRAP to use/,
  );
  await loses(
    "a program that moves it",
    "bash",
    `bash -c 'n=\${STREAMLIB_BOOTSTRAP%%:*}; eval "exec 20<&$n $n<&-"; exec ${ask}'`,
    /: it has another number here; start the program without moving descriptor \d+$/,
  );
});

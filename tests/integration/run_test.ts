/** `streamlib run` and what it runs, as real processes. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { connectTo } from "../../ffi/mod.ts";
import { run } from "../helpers/child.ts";
import { permittedStep, permittedTest } from "../helpers/permitted.ts";
import { besideHost, RunStage } from "../helpers/run_stage.ts";
import { soon, until } from "../helpers/soon.ts";

const NEEDS = {
  read: true,
  write: true,
  env: true,
  run: true,
  service: true,
  linux: "a bootstrap that was tried",
} as const;
const MORE = { ...NEEDS, exhaustive: true } as const;
const SERVICE = "com.tatolab.streamlib.broker";

/** Why a program cannot be run; `undefined` if it is there. */
async function missing(program: string): Promise<string | undefined> {
  const { code } = await run("sh", { args: ["-c", `command -v ${program}`] });
  return code === 0 ? undefined : `no ${program}`;
}

/** A line of a shell as one word of another. */
function quoted(line: string): string {
  return `'${line.replaceAll("'", "'\\''")}'`;
}

permittedTest(
  "run: the program has the three streams and all its arguments, and its exit code is returned",
  NEEDS,
  async () => {
    await using stage = await RunStage.make();
    const line = 'cat; echo "$#: $*" >&2; exit 7';
    assertEquals(
      await stage.sh(
        `streamlib run -- sh -c ${quoted(line)} x --help -- -v`,
        "input",
      ),
      { code: 7, stdout: "input", stderr: "3: --help -- -v\n" },
    );
  },
);

permittedTest(
  "run: a host uses the broker of its tree, and the command line shows its connection",
  NEEDS,
  async () => {
    await using stage = await RunStage.make();
    const inside = besideHost("edges", "streamlib broker connections --json");
    const { code, stdout, stderr } = await stage.sh(
      `streamlib run -- sh -c ${quoted(inside)}`,
    );
    assertEquals([code, stderr], [0, ""]);
    const [found = "", ...rest] = stdout.split("\n");
    assertEquals(JSON.parse(found), { service: SERVICE, embedded: false });
    const [connection, ...others] = JSON.parse(rest.join("\n"));
    assertEquals(
      [connection.processor_id, connection.derived_state, others],
      ["edges", "ready", []],
    );
  },
);

permittedTest("run: exit codes, as of a shell", MORE, async (t) => {
  await using stage = await RunStage.make();
  await Deno.writeTextFile(`${stage.folder}/closed`, "");
  await Deno.writeTextFile(
    `${stage.folder}/Makefile`,
    'all:\n\t@test -n "$$STREAMLIB_BOOTSTRAP" && echo made\nbad:\n\t@false\n',
  );
  const table: [line: string, code: number, stdout: string][] = [
    ["sh -c 'exit 0'", 0, ""],
    ["sh -c 'exit 255'", 255, ""],
    ["sh -c 'kill -TERM $$'", 143, ""],
    ["sh -c 'kill -KILL $$'", 137, ""],
    ["-- no-such-program", 127, ""],
    ['"$FOLDER/none"', 127, ""],
    ['"$FOLDER/closed"', 126, ""],
    ['"$FOLDER"', 126, ""],
    ["--no-such-option", 2, ""],
    ["", 2, ""],
    ["expr + --help", 0, "--help\n"],
    ["-- cat <&-", 0, ""],
    ["bash -c 'echo $0 $1' a b", 0, "a b\n"],
    [
      "--isolated --no-broker sh -c 'echo $STREAMLIB_BOOTSTRAP | grep -o :iso'",
      0,
      ":iso\n",
    ],
    ['make -s -C "$FOLDER"', 0, "made\n"],
    ['make -s -C "$FOLDER" bad 2>/dev/null', 2, ""],
  ];
  for (const [line, code, stdout] of table) {
    const lacking = line.startsWith("make") ? await missing("make") : undefined;
    await permittedStep(
      t,
      `streamlib run ${line}`,
      lacking,
      async () => {
        const ended = await stage.sh(`streamlib run ${line}`);
        assertEquals([ended.code, ended.stdout], [code, stdout], ended.stderr);
        if (code === 126 || code === 127) {
          assertMatch(ended.stderr, /^streamlib: Cannot run '/);
        }
      },
    );
  }
});

permittedTest("run: signals are the program's", MORE, async (t) => {
  await using stage = await RunStage.make();
  const loop = "echo ready; while :; do sleep 0.02; done";
  for (const name of ["INT", "TERM", "HUP", "QUIT", "USR1", "USR2"] as const) {
    await t.step(name, async () => {
      const trapped = `trap "echo got; exit 9" ${name}; ${loop}`;
      await using program = stage.start(
        `streamlib run -- sh -c ${quoted(trapped)}`,
      );
      await program.line((line) => line === "ready");
      program.signal(`SIG${name}`);
      const { code } = await program.end();
      assertEquals([code, program.lines], [9, ["ready", "got"]]);
    });
  }
  await t.step("one that ends it", async () => {
    await using program = stage.start(`streamlib run -- sh -c ${quoted(loop)}`);
    await program.line((line) => line === "ready");
    program.signal("SIGTERM");
    assertEquals((await program.end()).code, 143);
  });
  await t.step("one that is ignored, as after nohup", async () => {
    const inner = `streamlib run -- sh -c ${
      quoted(`kill -HUP $$; echo lives; ${loop}`)
    }`;
    await using program = stage.start(
      `sh -c ${quoted(`trap "" HUP; exec ${inner}`)}`,
    );
    await program.line((line) => line === "ready");
    program.signal("SIGHUP");
    program.signal("SIGTERM");
    assertEquals((await program.end()).code, 143);
    assertEquals(program.lines, ["lives", "ready"]);
  });
});

permittedTest(
  "run: a terminal stays one, and Ctrl-C reaches the program once",
  MORE,
  async (t) => {
    await using stage = await RunStage.make();
    await permittedStep(
      t,
      "in a terminal of script",
      await missing("script"),
      async () => {
        const counts =
          'n=0; trap "n=\\$((n+1))" INT; test -t 0 && test -t 1 && echo ready; i=0; ' +
          'while [ $n -eq 0 ]; do sleep 0.02; done; while [ $i -lt 20 ]; do sleep 0.02; i=$((i+1)); done; echo "counted $n"';
        await Deno.writeTextFile(
          `${stage.folder}/counts`,
          counts.replaceAll("\\$", "\\$"),
        );
        await using program = stage.start(
          `script -qfec 'streamlib run -- sh "$FOLDER/counts"' /dev/null`,
        );
        await program.line((line) => line.trim() === "ready");
        await program.write("\x03");
        const counted = await program.line((line) => line.includes("counted"));
        assertEquals(counted.trim().replace("^C", ""), "counted 1");
      },
    );
  },
);

permittedTest(
  "run: who is killed without a word is missed by the tree, and named by its commands",
  MORE,
  async () => {
    await using stage = await RunStage.make();
    const inside =
      "streamlib broker logs -f 2>&1; echo code $?; streamlib broker status 2>&1; echo code $?";
    await using program = stage.start(
      `streamlib run -- sh -c ${quoted(inside)}`,
    );
    await program.line((line) => line.includes("serving"));
    program.signal("SIGKILL");
    await until(
      "the words of both commands",
      () =>
        program.lines.filter((line) => line.startsWith("code")).length === 2,
      () => program.lines.join("\n"),
    );
    const text = program.lines.join("\n");
    assertEquals(program.lines.filter((line) => line.startsWith("code")), [
      "code 3",
      "code 3",
    ]);
    assertEquals(
      text.match(
        /bootstrap that has started this process, or one above it, has ended/g,
      )
        ?.length,
      2,
      text,
    );
  },
);

permittedTest(
  "run: two trees with the same names never meet",
  MORE,
  async () => {
    await using stage = await RunStage.make();
    const tree = async (name: string): Promise<unknown[]> => {
      // Each asks when both hosts are connected.
      const other = name === "left" ? "right" : "left";
      const lines = `: >"$FOLDER/${name}.is"
until [ -e "$FOLDER/${other}.is" ]; do sleep 0.05; done
streamlib broker processors --json
: >"$FOLDER/${name}.done"
until [ -e "$FOLDER/${other}.done" ]; do sleep 0.05; done`;
      const { code, stdout, stderr } = await stage.sh(
        `streamlib run -- sh -c ${quoted(besideHost(name, lines))}`,
      );
      assertEquals([code, stderr], [0, ""]);
      const [found = "", ...rest] = stdout.split("\n");
      assertEquals(JSON.parse(found), { service: SERVICE, embedded: false });
      return JSON.parse(rest.join("\n")).map(
        (row: { processor_id: string }) => row.processor_id,
      );
    };
    assertEquals(await Promise.all([tree("left"), tree("right")]), [
      ["left"],
      ["right"],
    ]);
  },
);

permittedTest(
  "run: nobody outside reaches the broker, by its name or by a socket",
  MORE,
  async () => {
    await using stage = await RunStage.make();
    await using program = stage.start(
      "streamlib run -- sh -c 'streamlib broker status >&2; echo ready; cat'",
    );
    await program.line((line) => line === "ready");
    const outside = await stage.sh("streamlib broker status");
    assertEquals(outside.code, 3);
    assertMatch(outside.stderr, /there is no such socket/);
    const invalid = Promise.withResolvers<string>();
    using connection = connectTo(SERVICE);
    connection.activate({
      message: () => invalid.reject(new Error("a message")),
      ended: (end) => invalid.resolve(end),
    });
    assertEquals(await soon(invalid.promise, "the end"), "invalid");
    // No socket of the process listens.
    const ACCEPTS = 0x10000;
    const listening = (await Deno.readTextFile("/proc/net/unix")).split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , flags = ""]) => (parseInt(flags, 16) & ACCEPTS) !== 0)
      .map(([, , , , , , inode]) => `socket:[${inode}]`);
    let sockets = 0;
    for (const { name } of Deno.readDirSync(`/proc/${program.pid}/fd`)) {
      const target = await Deno.readLink(`/proc/${program.pid}/fd/${name}`)
        .catch(() => "");
      if (target.startsWith("socket:")) sockets++;
      assert(!listening.includes(target), `${target} listens`);
    }
    assert(sockets > 0);
  },
);

permittedTest("run: a tree in a tree", MORE, async (t) => {
  await using stage = await RunStage.make();
  const runs = async (
    line: string,
    code: number,
    text: RegExp,
  ): Promise<string> => {
    const ended = await stage.sh(line);
    assertEquals(ended.code, code, ended.stderr);
    assertMatch(ended.stdout + ended.stderr, text);
    return ended.stderr;
  };
  await t.step("has a broker of its own", async () => {
    const said = await runs(
      "streamlib run --verbose streamlib run --verbose streamlib broker status",
      0,
      /^Broker: healthy/m,
    );
    const brokers = [...said.matchAll(/registered \S+, process (\d+)/g)];
    assertEquals(new Set(brokers.map(([, pid]) => pid)).size, 2, said);
  });
  await t.step("finds outside what it does not know", async () => {
    await runs(
      "streamlib run streamlib run --no-broker streamlib broker status",
      0,
      /^Broker: healthy/m,
    );
  });
  await t.step("finds nothing outside if it is isolated", async () => {
    await runs(
      "streamlib run streamlib run --no-broker --isolated streamlib broker status",
      3,
      /no process in it serves .*, and it is isolated/,
    );
  });
});

permittedTest(
  "run: a channel that was lost is an error that names the program",
  MORE,
  async (t) => {
    await using stage = await RunStage.make();
    const LOSERS: [program: string, line: string, words: RegExp][] = [
      [
        "python3",
        `python3 -c 'import subprocess, sys; sys.exit(subprocess.run(["streamlib", "broker", "COMMAND"]).returncode)'`,
        /python3? ?\(process \d+\) has it, and \S+ \(process \d+\), which it has started, does not: .*pass_fds=\[\d+\]/,
      ],
      [
        "bash",
        `bash -c 'n=\${STREAMLIB_BOOTSTRAP%%:*}; eval "exec $n<&-"; exec streamlib broker COMMAND'`,
        /has closed it, and no longer runs|has it, and/,
      ],
    ];
    for (const [program, line, words] of LOSERS) {
      for (
        const [command, code] of [["status", 3], ["top", 3], ["doctor", 3]]
      ) {
        await permittedStep(
          t,
          `${program}, ${command}`,
          await missing(program),
          async () => {
            const script = `${stage.folder}/loses`;
            await Deno.writeTextFile(
              script,
              line.replace("COMMAND", String(command)),
            );
            const ended = await stage.sh(`streamlib run sh ${script}`);
            const text = ended.stdout + ended.stderr;
            assertEquals(ended.code, code, text);
            assertMatch(text.replaceAll("\n", " "), words);
          },
        );
      }
    }
  },
);

permittedTest(
  "run: each command of the broker works in a tree without a home, and the doctor finds no fault",
  MORE,
  async () => {
    await using stage = await RunStage.make();
    const inside = besideHost(
      "edges",
      `unset STREAMLIB_HOME HOME XDG_RUNTIME_DIR
for command in "broker status" "broker runtimes" "broker connections" "broker processors" \\
  "broker top --once --interval 0.2" "broker logs" "broker logs --level error" \\
  "runtimes list" "runtimes prune" "broker doctor"; do
  streamlib $command >"$FOLDER/said" 2>&1 || echo "$command has failed: $?"
  cat "$FOLDER/said"
done`,
    );
    const { code, stdout, stderr } = await stage.sh(
      `streamlib run -- sh -c ${quoted(inside)}`,
    );
    assertEquals([code, stderr], [0, ""], stdout);
    for (
      const words of [
        /^Broker: healthy/m,
        /^1 ready, 0 pending \|/m,
        /edges .* ready/,
        / info +broker: serving service=/,
        /^ok +bootstrap +present; its broker/m,
        /^skipped +sockets +not used in this bootstrap/m,
        /^ok +control plane +shows connection/m,
        /^All is well\.$/m,
      ]
    ) assertMatch(stdout, words);
    assert(!/^broken|has failed/m.test(stdout), stdout);
  },
);

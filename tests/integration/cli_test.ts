import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../cli/commands.ts";
import { Native } from "../../ffi/native.ts";
import { ReactiveHost } from "../../host/mod.ts";
import { Runtime } from "../../host/runtime.ts";
import { TICKS } from "../fixtures/tick_port.ts";
import { XpcParty } from "../helpers/carriers.ts";
import {
  type CliStage,
  cliStage,
  IDS,
  populate,
  reportStats,
} from "../helpers/cli_stage.ts";
import { TestConsole } from "../helpers/cli.ts";
import { assertGolden } from "../helpers/golden.ts";
import { GRPC_NEEDS, serveControlPlane } from "../helpers/grpc_fixture.ts";
import {
  acquireFrame,
  launchFixture,
  sendTick,
  type TickPorts,
} from "../helpers/hosts.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

const NEEDS = { ...GRPC_NEEDS, service: true } as const;

/** Replaces what differs between runs: ages, paths, times, versions. */
function stable(text: string, { directory }: CliStage): string {
  return text
    .replaceAll(directory, "DIRECTORY")
    .replace(/\d{4}-\d{2}-\d{2}T[\d:.]{12}Z/g, "TIME")
    .replace(/\b[45]m\d+s\b/g, "LEFT")
    .replace(/(^Uptime: | {2})\d+s( ago)?$/gm, "$1AGE$2")
    .replace(/("(?:age|uptime)_secs": ?)\d+/g, "$1AGE")
    // Limits depend on the descriptors, what is used on when sessions end.
    .replace(
      /("(?:used|limit|process_limit|fullest_pid|fullest_used)": ?)\d+/g,
      "$1NUMBER",
    )
    .replace(/("[a-z_]*at_unix_ms": ?)\d+/g, "$1TIME")
    .replace(/\((unknown|[0-9a-f]{7,40}(-dirty)?)\)/g, "(COMMIT)")
    .replace(
      /("git_commit": ?)"(unknown|[0-9a-f]{40}(-dirty)?)"/,
      '$1"COMMIT"',
    )
    .replace(/Version: [\d.]+/, "Version: VERSION")
    .replace(/("version": ?)"[\d.]+"/, '$1"VERSION"');
}

const LISTINGS = [
  "broker status",
  "broker runtimes",
  "broker connections",
  "broker connections --runtime studio-1",
  "broker connections --runtime Studio",
  "broker processors",
  "broker top --once",
  "runtimes list",
  "runtimes prune",
];

permittedTest(
  "cli: what people see, in a pipe and on terminals of 200 and 60 columns",
  NEEDS,
  async (t) => {
    await using stage = await cliStage();
    await populate(stage);
    const show = async (
      size?: { columns: number; colour?: boolean },
    ): Promise<string> => {
      let text = "";
      for (const line of LISTINGS) {
        const console = await stage.console(size);
        console.useTime(stage.now);
        console.rests.push(() => {}); // between the two samples of top
        text += `${await console.transcript(line)}\n`;
      }
      return stable(text, stage);
    };
    const inPipe = await show();
    await t.step("pipe", () => assertGolden("cli_pipe.txt", inPipe));
    await t.step(
      "200",
      async () => assertEquals(await show({ columns: 200 }), inPipe),
    );
    await t.step("60", async () => {
      const narrow = await show({ columns: 60 });
      await assertGolden("cli_60_columns.txt", narrow);
      for (const line of narrow.split("\n")) {
        assert(line.length <= 66, line);
      }
    });
    await t.step("colour", async () => {
      const coloured = await show({ columns: 200, colour: true });
      assertStringIncludes(coloured, "\x1b[33mawaiting_client\x1b[0m");
      assertStringIncludes(
        coloured,
        "Broker: \x1b[32mhealthy\x1b[0m | Version: ",
      );
      // deno-lint-ignore no-control-regex -- the test looks for them
      const plain = coloured.replace(/\x1b\[\d+m/g, "");
      assert(!plain.includes("\x1b"), "what a peer sent acts on the terminal");
    });
  },
);

permittedTest(
  "cli: --json has the shape that is documented, whoever looks",
  NEEDS,
  async () => {
    await using stage = await cliStage();
    await populate(stage);
    const lines = [
      "broker status --json",
      "broker runtimes --json",
      "broker connections --json",
      "broker processors --json",
      "broker top --once --json",
      "broker logs -n 1 --json",
      "runtimes list --json",
      "runtimes prune --json",
    ];
    let text = "";
    for (const line of lines) {
      const console = await stage.console({ columns: 60, colour: true });
      console.useTime(stage.now);
      console.rests.push(() => {});
      assertEquals(await console.run(line), 0, console.err.text);
      const found = console.out.text;
      const value = JSON.parse(found);
      const row = Array.isArray(value) ? value[0] : value;
      const { json } = COMMANDS.find(({ path }) =>
        line.startsWith(path.join(" "))
      )!;
      const fields = Object.keys(json!.fields).filter((f) => !f.includes("["));
      assertEquals(Object.keys(row).sort(), fields.sort(), line);
      text += `$ streamlib ${line}\n${found}\n`;
    }
    await assertGolden("cli_json.txt", stable(text, stage));
  },
);

permittedTest(
  "cli: each way to fail has its words and its exit code",
  NEEDS,
  async () => {
    await using stage = await cliStage();
    await populate(stage);
    await Deno.mkdir(`${stage.directory}/studio.log`);
    let text = "";
    for (
      const line of [
        "logs studio-1", // 1: the log's path is a directory
        "broker logs --level loud", // 2
        `broker status --endpoint unix:${stage.directory}/none`, // 3
        "broker connections --runtime nobody", // 4
        "broker processors --runtime nobody",
        "logs nobody",
        "logs stage-left-with-a-rather-long-id",
      ]
    ) {
      text += `${await (await stage.console()).transcript(line)}\n`;
    }
    await Deno.remove(`${stage.directory}/studio.log`);
    text += await (await stage.console()).transcript("logs studio-1");
    assertEquals(
      [...text.matchAll(/^\[(\d)\]$/gm)].map(([, code]) => code).join(""),
      "12344444",
    );
    await assertGolden("cli_errors.txt", stable(text, stage));
  },
);

permittedTest(
  "cli: a broker that speaks another version is named with both, exit code 1",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane({
      unary: {
        GetVersion: () =>
          Promise.resolve({
            version: "99.0.0\x1b[2J",
            git_commit: "",
            build_date: "",
            protocol_version: 99,
          }),
      },
    });
    const console = await new TestConsole().connectable(served.carrier.address);
    assertEquals(await console.run("broker status"), 1);
    assertStringIncludes(console.err.text, "it is 99.0.0 and speaks");
    assertStringIncludes(console.err.text, "this side speaks 1");
  },
);

permittedTest(
  "cli: a broker with nothing to show says so on stderr",
  NEEDS,
  async () => {
    await using stage = await cliStage();
    for (
      const line of [
        "broker runtimes",
        "broker connections",
        "broker processors",
        "runtimes list",
        "runtimes prune",
      ]
    ) {
      const console = await stage.console();
      assertEquals(await console.run(line), 0);
      assertEquals(console.out.take(), "", line);
      assert(/^(No|There is no) .*\.\n$/.test(console.err.take()), line);
      assertEquals(await console.run(`${line} --json`), 0);
      const value = JSON.parse(console.out.text);
      assertEquals(value.pruned_count ?? value.length, 0);
    }
  },
);

permittedTest(
  "cli: --watch tells each change once in a pipe, and draws a terminal anew",
  NEEDS,
  async () => {
    await using stage = await cliStage();
    await populate(stage);
    const changes = (console: TestConsole): void => {
      console.rests.push(
        () => {}, // nothing has changed
        async () => {
          await stage.client.call("AllocateConnection", {
            runtime_id: "studio-1",
            processor_id: "late",
          });
        },
        () => true,
      );
    };
    const piped = await stage.console();
    changes(piped);
    assertEquals(
      await piped.run("broker connections --watch --runtime studio-1"),
      0,
    );
    const lines = piped.out.text.trimEnd().split("\n");
    assertEquals(lines.length, 2, piped.out.text);
    assertStringIncludes(
      lines[0]!,
      `${IDS.waiting}  studio-1  edges  awaiting`,
    );
    assertStringIncludes(lines[1]!, "studio-1  late  awaiting_both");

    const json = await stage.console();
    json.rests.push(() => true);
    assertEquals(await json.run("broker connections -w --json"), 0);
    assertEquals(
      json.out.text.trimEnd().split("\n")
        .map((line) => JSON.parse(line).derived_state),
      ["awaiting_client", "failed", "awaiting_both"],
    );

    const terminal = await stage.console({ columns: 80, rows: 24 });
    terminal.rests.push(() => {}, () => true);
    assertEquals(await terminal.run("broker connections --watch"), 0);
    const [, first, second] = terminal.out.text.split("\x1b[H");
    assertStringIncludes(first!, "awaiting_client");
    assertStringIncludes(second!, "awaiting_client");
    assert(terminal.out.text.startsWith("\x1b[?1049h"));
    assertStringIncludes(second!, "\x1b[?25h\x1b[?1049l");
  },
);

permittedTest(
  "cli: top shows the rates of what the sides report",
  NEEDS,
  async () => {
    await using stage = await cliStage();
    await populate(stage);
    await reportStats(stage, 100);
    const console = await stage.console();
    console.rests.push(() => reportStats(stage, 220));
    assertEquals(await console.run("broker top --once"), 0);
    assertEquals(console.out.text.trimEnd().split("\n"), [
      "0 ready, 1 pending | 120.0 frames/s | 120.0 MB/s | 4 dropped",
      "CONNECTION                        RUNTIME   PROCESSOR  STATE            PATH  FRAMES/S   MB/S  DROPS    P50    P99",
      `${IDS.waiting}  studio-1  edges      awaiting_client  lane     120.0  120.0    3+1  850µs  4.5ms`,
      '  settings: amount 0.5, mode "soft"; 2 clients hung before',
    ]);

    const json = await stage.console();
    json.rests.push(() => reportStats(stage, 340), () => true);
    assertEquals(await json.run("broker top --json --interval 1"), 0);
    const { connections, ...totals } = JSON.parse(json.out.text);
    assertEquals(totals.frames_per_sec, 240);
    assertEquals(connections[0].bytes_per_sec, 240_000_000);
    assertEquals([connections[0].p99_us, connections[0].path], [4500, "lane"]);
    assertEquals(connections[0].settings, { amount: 0.5, mode: "soft" });
    assertEquals(connections[0].hangs, 2);
    assertEquals(connections[0].client_dropped_frames, 1);

    const piped = await stage.console();
    piped.rests.push(() => {}, () => reportStats(stage, 350), () => true);
    assertEquals(await piped.run("broker top --interval 2"), 0);
    const lines = piped.out.text.trimEnd().split("\n");
    assertEquals(lines.length, 2);
    assertStringIncludes(lines[0]!, "awaiting_client  lane  0.0 frames/s");
    assertStringIncludes(lines[1]!, "awaiting_client  lane  5.0 frames/s");

    const terminal = await stage.console({ columns: 60, rows: 24 });
    terminal.rests.push(() => true);
    assertEquals(await terminal.run("broker top"), 0);
    assertStringIncludes(
      terminal.out.text,
      "\x1b[H\x1b[K0 ready, 1 pending | ",
    );
  },
);

permittedTest(
  "cli: runtimes are alive by the kernel's word, dead by it, and pruned",
  NEEDS,
  async () => {
    await using stage = await cliStage();
    const { service } = stage.broker;
    const options = { name: "camera", broker: service, logPath: "/log" };
    const rows = async (): Promise<string[]> => {
      const console = await stage.console();
      assertEquals(await console.run("runtimes list --json"), 0);
      return JSON.parse(console.out.text).map((
        { runtime_id, pid, status }: Record<string, unknown>,
      ) => `${runtime_id} ${pid === Deno.pid} ${status}`);
    };
    await using runtime = new Runtime({ ...options, runtimeId: "mine" });
    await soon(runtime.registered, "the runtime");
    assertEquals(await rows(), ["mine true alive"]);
    await stage.client.call("RegisterRuntime", { runtime_id: "far", pid: 1 });
    assertEquals(await rows(), ["mine true alive", "far false unknown"]);
    using native = Native.open();
    using other = new XpcParty(native, service);
    await other.call("RegisterRuntime", { runtime_id: "gone", name: "Gone" });
    assertEquals((await rows())[2], "gone true alive");
    other[Symbol.dispose]();
    await until(
      "the runtime to be dead",
      async () => (await rows())[2] === "gone true dead",
    );
    const console = await stage.console();
    assertEquals(
      await console.transcript("runtimes prune"),
      "$ streamlib runtimes prune\nNAME\nGone\n! 1 dead runtime was removed.\n[0]\n",
    );
    assertEquals(await rows(), ["mine true alive", "far false unknown"]);
  },
);

permittedTest(
  "cli: the settings of a processor are shown, and the clients that hung",
  { ...NEEDS, run: true },
  async () => {
    await using stage = await cliStage();
    await using host = ReactiveHost.launch<TickPorts, TickPorts>({
      module: new URL("../fixtures/hanging.ts", import.meta.url),
      inputs: { ticks: TICKS },
      outputs: { ticks: TICKS },
      broker: stage.broker.service,
      processorId: "turner",
      settings: { turns: 3 },
      restart: "on-failure",
      onRestart: () => {},
      hangTimeoutSecs: 4, // a healthy client must answer within half of it
      output: () => {},
    });
    await soon(host.ready, "ready");
    await sendTick(host, "loop");
    await until("a restart", () => host.restarts === 1);
    await soon(host.input.ticks.ready, "the next client");
    await until("the report", async () => {
      const { connections } = await stage.client.call("ListConnections", {});
      return connections.some(({ derived_state, hangs }) =>
        derived_state === "ready" && hangs === 1
      );
    });
    const console = await stage.console();
    assertEquals(await console.run("broker connections"), 0);
    const lines = console.out.take().split("\n");
    assert(lines.includes("  settings: turns 3; 1 client hung before"));
    assertEquals(await console.run("broker connections --json"), 0);
    const rows = JSON.parse(console.out.take());
    const row = rows.find(({ why }: { why: string }) => why === "");
    assertEquals([row.settings, row.hangs], [{ turns: 3 }, 1]);
  },
);

permittedTest(
  "cli: a host and a client that work are ready, and their frames are counted",
  { ...NEEDS, run: true },
  async () => {
    await using stage = await cliStage();
    await using host = launchFixture("invert.ts", {
      broker: stage.broker.service,
      runtimeId: "studio",
    });
    await soon(host.ready, "ready");
    const results = host.output.video[Symbol.asyncIterator]();
    for (let number = 0; number < 5; number++) {
      await soon(host.input.video.ready, "a place for a frame");
      using frame = acquireFrame(host, number);
      host.input.video.send(frame);
      using _ = (await soon(results.next(), `frame ${number}`)).value!;
    }
    const console = await stage.console();
    assertEquals(await console.run("broker connections --runtime studio"), 0);
    assertStringIncludes(console.out.take(), `${host.connectionId}  studio`);
    assertEquals(await console.run("broker status --json"), 0);
    assertEquals(JSON.parse(console.out.take()).ready_count, 1);
    let frames = 0;
    await until("the frames to be counted", async () => {
      const { connections } = await stage.client.call("ListConnections", {});
      frames = connections[0]!.frames_transferred;
      return frames >= 10;
    }, () => `${frames} are`);
    assertEquals(frames, 10); // five there, five back
    console.rests.push(() => {});
    assertEquals(await console.run("broker top --once --json"), 0);
    const [row] = JSON.parse(console.out.take()).connections;
    assertEquals(row.derived_state, "ready");
    assert(row.p50_us > 0 && row.p99_us >= row.p50_us, JSON.stringify(row));
    assertEquals(row.path, "lane");
    assertEquals(await console.run("broker connections --json"), 0);
    assertEquals(JSON.parse(console.out.take())[0].path, "lane");
  },
);

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { BridgeError } from "../../host/mod.ts";
import { brokerCommand } from "../../proto/foreground.ts";
import { CLIENTS_ARE_PYTHON, notInPython } from "../helpers/client_module.ts";
import { acquireFrame, launchFixture } from "../helpers/hosts.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { onlyVariables, run } from "../helpers/child.ts";
import { soon } from "../helpers/soon.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { isolatedHome } from "../helpers/home.ts";

const NEEDS = { run: true, read: true, write: true, env: true } as const;
const SERVING = { ...NEEDS, service: true } as const;

permittedTest(
  "frames go to the client and come back changed, and nothing is left",
  SERVING,
  async () => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      await using host = launchFixture("invert.ts");
      await soon(host.ready, "ready");
      const results = host.output.video[Symbol.asyncIterator]();
      let crossed = 0;
      for (let number = 0; number < 40; number++) {
        await soon(host.input.video.ready, `room for frame ${number}`);
        using frame = acquireFrame(host, number);
        frame.pixel_buffer.pixels.fill(number);
        assert(host.input.video.send(frame));
        const { value } = await soon(results.next(), `frame ${number}`);
        using out = value!;
        assertEquals(out.frame_number, BigInt(number));
        assertEquals(out.timestamp_ns, BigInt(number) * 1_000_000n);
        assertEquals([out.width, out.height], [67, 13]);
        // Rows are aligned; the system chooses by how much.
        assert(out.pixel_buffer.bytes_per_row > 67 * 4);
        crossed += 13 * out.pixel_buffer.bytes_per_row;
        assert(out.pixel_buffer.pixels.every((byte) => byte === 255 - number));
      }
      const { sent, received, dropped, misfits, bytes, p99_us } = host.stats;
      assertEquals([sent, received, dropped, misfits], [40, 40, 0, 0]);
      assertEquals(bytes, crossed);
      assert(p99_us > 0);
    });
  },
);

permittedTest("host and client see the same memory", SERVING, async () => {
  using _ = isolatedHome();
  await using host = launchFixture("identity.ts");
  await soon(host.ready, "ready");
  const results = host.output.video[Symbol.asyncIterator]();
  for (let number = 0; number < 10; number++) {
    await soon(host.input.video.ready, `room for frame ${number}`);
    using frame = acquireFrame(host, number);
    const { memory_id } = frame.pixel_buffer as unknown as {
      memory_id: bigint;
    };
    host.input.video.send(frame);
    const { value } = await soon(results.next(), "the result");
    using out = value!;
    const { buffer, byteOffset } = out.pixel_buffer.pixels;
    const seen = new DataView(buffer, byteOffset).getBigUint64(0, true);
    assertEquals(seen, memory_id);
  }
});

permittedTest(
  "launching returns at once, and frames before ready are dropped, counted, silently",
  SERVING,
  async () => {
    using _ = isolatedHome();
    const warnings: string[] = [];
    await using host = launchFixture("invert.ts", {
      warn: (text) => warnings.push(text),
    });
    assertEquals(host.clientPid, 0);
    assertEquals(host.connectionId, "");
    for (let number = 0; number < 3; number++) {
      using frame = acquireFrame(host, number);
      assertEquals(host.input.video.send(frame), false);
    }
    assertEquals(host.input.video.stats, {
      sent: 0,
      dropped: 3,
      waiting: 0,
    });
    await soon(host.ready, "ready");
    assertEquals(warnings, []);
  },
);

permittedTest(
  "with every surface in use a frame is dropped, and the others arrive",
  SERVING,
  async () => {
    using _ = isolatedHome();
    await using host = launchFixture("invert.ts");
    await soon(host.ready, "ready");
    // The results are not read, so the pools of both sides fill up.
    for (let number = 0; number < 100; number++) {
      using frame = acquireFrame(host, number);
      host.input.video.send(frame);
    }
    const { sent, dropped } = host.input.video.stats;
    assert(sent >= 1 && sent <= 6, `sent ${sent}`);
    assertEquals(sent + dropped, 100);
    const results = host.output.video[Symbol.asyncIterator]();
    for (let number = 0; number < sent; number++) {
      const { value } = await soon(results.next(), "the result");
      using out = value!;
      assertEquals(out.frame_number, BigInt(number));
    }
  },
);

permittedTest(
  "a frame that does not fit its schema is refused by name, where it is sent",
  SERVING,
  async () => {
    using _ = isolatedHome();
    await using host = launchFixture("invert.ts");
    await soon(host.ready, "ready");
    using frame = acquireFrame(host, 1);
    frame.width = -1;
    try {
      host.input.video.send(frame);
      throw new Error("it was sent");
    } catch (error) {
      assert(error instanceof BridgeError, String(error));
      assertEquals(error.code, "schema_mismatch");
      assertStringIncludes(error.message, "VideoFrame.width");
      assertStringIncludes(error.message, "-1");
    }
  },
);

async function failureOf(name: string): Promise<BridgeError> {
  using home = isolatedHome();
  let failure: BridgeError | undefined;
  await leavesNothing(home.runDirectory, async () => {
    await using host = launchFixture(name);
    failure = await assertRejects(
      () => soon(host.ready, `the failure of ${name}`),
      BridgeError,
    );
    assertEquals(await soon(host.ended, "the end"), failure);
  });
  return failure!;
}

const FAILURES: [fixture: string, ...words: string[]][] = [
  ["throws_at_import.ts", "RangeError", "this module cannot be loaded"],
  ["throws_in_setup.ts", "no model found", placeIn("throws_in_setup", "setup")],
  ["exits_at_once.ts", "exited with code 7", "about to leave"],
  ["other_ports.ts", "'picture'", "no such port"],
  ...(CLIENTS_ARE_PYTHON
    ? [
      ["no_processor.ts", "has no processor", "@reactive"],
      ["is_not_there.ts", "is_not_there.py"],
    ] as const
    : [
      ["no_processor.ts", "is not a processor", "reactive"],
      ["reads_a_file.ts", "NotCapable", "read access"],
      ["is_not_there.ts", "is_not_there.ts"],
    ] as const).map((each): [string, ...string[]] => [...each]),
];

/** What a failure says of the place of an error in a fixture's function. */
function placeIn(fixture: string, name: string): string {
  return CLIENTS_ARE_PYTHON ? `, in ${name}` : `${fixture}.ts:8`;
}

for (const [fixture, ...words] of FAILURES) {
  permittedTest(
    `a client that fails is told with its words: ${fixture}`,
    SERVING,
    async () => {
      const { message } = await failureOf(fixture);
      for (const word of words) assertStringIncludes(message, word);
    },
  );
}

permittedTest(
  "an exception in process reaches the host with its stack",
  SERVING,
  async () => {
    using _ = isolatedHome();
    await using host = launchFixture("throws_in_process.ts");
    await soon(host.ready, "ready");
    using frame = acquireFrame(host, 1);
    host.input.video.send(frame);
    const failure = await soon(host.ended, "the failure");
    assertStringIncludes(failure!.message, "this frame is too much");
    const place = placeIn("throws_in_process", "process");
    assertStringIncludes(failure!.message, place);
    await assertRejects(
      () => soon(host.output.video[Symbol.asyncIterator]().next(), "the end"),
      BridgeError,
      "this frame is too much",
    );
  },
);

permittedTest(
  "an exception in process, and the one of a disposal after it, both reach the host",
  { ...SERVING, ...notInPython("there is no disposal by `using`") },
  async () => {
    using _ = isolatedHome();
    await using host = launchFixture("throws_in_disposal.ts");
    await soon(host.ready, "ready");
    using frame = acquireFrame(host, 1);
    host.input.video.send(frame);
    const { code, message } = (await soon(host.ended, "the failure"))!;
    assertEquals(code, "client_failed");
    assertStringIncludes(message, "RangeError: this frame is too much");
    assertStringIncludes(message, "throws_in_disposal.ts:14");
    assertStringIncludes(message, "TypeError: the model cannot be let go");
  },
);

permittedTest(
  "a client that is killed is told with its signal",
  SERVING,
  async () => {
    using _ = isolatedHome();
    await using host = launchFixture("invert.ts");
    await soon(host.ready, "ready");
    Deno.kill(host.clientPid, "SIGKILL");
    const failure = await soon(host.ended, "the failure");
    assertStringIncludes(failure!.message, "SIGKILL");
  },
);

permittedTest(
  "a broker address that nobody serves is an error that names it",
  NEEDS,
  async () => {
    using _ = isolatedHome();
    await using host = launchFixture("invert.ts", {
      broker: "com.example.nobody",
    });
    const error = await assertRejects(
      () => soon(host.ready, "the failure"),
      BridgeError,
      "com.example.nobody",
    );
    assertStringIncludes(error.message, brokerCommand());
  },
);

permittedTest(
  "closing before it is ready ends it in order",
  SERVING,
  async () => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      await using host = launchFixture("invert.ts");
      const ready = assertRejects(() => host.ready, BridgeError, "closed");
      await soon(host.close(), "close");
      await soon(ready, "the rejection");
      await soon(host.close(), "close again");
    });
  },
);

permittedTest("a signal that aborts closes the host", SERVING, async () => {
  using _ = isolatedHome();
  const abort = new AbortController();
  await using host = launchFixture("invert.ts", { signal: abort.signal });
  await soon(host.ready, "ready");
  abort.abort();
  assertEquals(await soon(host.ended, "the end"), undefined);
});

permittedTest(
  "a program that imports a host, a client or a broker downloads no package, types included",
  {
    run: true,
  },
  async () => {
    for (
      const entry of [
        "client/runner.ts",
        "client/mod.ts",
        "host/mod.ts",
        "broker/mod.ts",
        "mod.ts",
      ]
    ) {
      const { stdout } = await run(Deno.execPath(), {
        args: [
          "info",
          "--json",
          new URL(`../../${entry}`, import.meta.url).href,
        ],
      });
      const { modules } = JSON.parse(stdout) as {
        modules: { specifier: string }[];
      };
      assert(modules.length > 20);
      assertEquals(
        modules.map((m) => m.specifier).filter((s) =>
          /^(npm|jsr|https?):/.test(s)
        ),
        [],
        entry,
      );
    }
  },
);

permittedTest("a client that nobody's host has started says so, and ends", {
  run: true,
}, async () => {
  const { code, stderr } = await run(Deno.execPath(), {
    args: [
      "eval",
      `import { runClient } from "${
        new URL("../../client/runner.ts", import.meta.url).href
      }"; await runClient(() => Promise.reject());`,
    ],
    ...onlyVariables({ HOME: "/nonexistent", NO_COLOR: "1" }),
  });
  assertEquals(code, 1);
  assertStringIncludes(stderr, "a host starts its client");
});

permittedTest(
  "a client that never comes back from process is ended from outside",
  SERVING,
  async () => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      await using host = launchFixture("loops_forever.ts");
      await soon(host.ready, "ready");
      const { clientPid } = host;
      using frame = acquireFrame(host, 1);
      host.input.video.send(frame);
      await soon(host.close(), "close");
      assertEquals(await soon(host.ended, "the end"), undefined);
      // Its process is gone, not only its channel.
      const error = await assertRejects(() => Deno.stat(`/proc/${clientPid}`));
      assert(error instanceof Deno.errors.NotFound);
    });
  },
);

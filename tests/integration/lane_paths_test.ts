/** Which path the frames of a host and its client take: a lane, or messages. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Native } from "../../ffi/native.ts";
import {
  type HostOptions,
  type PortMap,
  ReactiveHost,
} from "../../host/mod.ts";
import { notes } from "../fixtures/notes.ts";
import * as child from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { acquireFrame, launchFixture } from "../helpers/hosts.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";

const NEEDS = {
  read: true,
  write: true,
  env: true,
  run: true,
  service: true,
} as const;
const FRAMES = 100;

/** The messages of this process while frames go to a client and back. */
async function messagesOf(
  options: Parameters<typeof launchFixture>[1],
): Promise<{ path: string | undefined; sent: number; received: number }> {
  using native = Native.open();
  await using host = launchFixture("invert.ts", options);
  await soon(host.ready, "ready");
  const results = host.output.video[Symbol.asyncIterator]();
  let before = native.stats();
  for (let number = 0; number < FRAMES + 10; number++) {
    if (number === 10) before = native.stats(); // all memory was offered
    await soon(host.input.video.ready, `room for ${number}`);
    using frame = acquireFrame(host, number);
    assert(host.input.video.send(frame));
    const { value } = await soon(results.next(), `frame ${number}`);
    using out = value!;
    assertEquals(out.frame_number, BigInt(number));
  }
  const after = native.stats();
  return {
    path: host.stats.path,
    sent: after.messages_sent - before.messages_sent,
    received: after.messages_received - before.messages_received,
  };
}

// The few messages are the counters that both sides report to the broker once a second.
permittedTest(
  "a lane carries frames and releases without messages",
  NEEDS,
  async () => {
    using _ = isolatedHome();
    const { path, sent, received } = await messagesOf({});
    assertEquals(path, "lane");
    assert(sent < FRAMES / 2, `${sent} messages sent`);
    assert(received < FRAMES / 2, `${received} messages received`);
  },
);

permittedTest(
  "a host that is told to use dictionaries sends and gets each frame as a message",
  NEEDS,
  async () => {
    using _ = isolatedHome();
    const { path, sent, received } = await messagesOf({ path: "dictionary" });
    assertEquals(path, "dictionary");
    assert(sent >= FRAMES, `${sent} messages sent`);
    assert(received >= FRAMES, `${received} messages received`);
  },
);

function launchNotes(
  added: string,
  path: "lane" | "dictionary" = "lane",
): ReactiveHost<PortMap, PortMap> {
  const options: HostOptions<PortMap, PortMap> = {
    module: new URL("../fixtures/added_otherwise.ts", import.meta.url),
    inputs: { notes: notes(added) },
    outputs: { notes: notes(added) },
    path,
    output: () => {},
  };
  return ReactiveHost.launch(options);
}

permittedTest(
  "two sides whose schemas say the same minor version and have added other fields fail by name, since a lane has no names in it",
  NEEDS,
  async () => {
    using _ = isolatedHome();
    await using same = launchNotes("b");
    await soon(same.ready, "ready");
    using note = same.input["notes"]!.acquire({ count: 3, b: 1 });
    assert(same.input["notes"]!.send(note));
    using back = await soon(same.output["notes"]!.next(), "the note");
    assertEquals([back!["count"], back!["b"]], [3, 7]);

    await using host = launchNotes("a");
    const failure = await soon(host.ended, "the end");
    assertEquals(failure?.code, "schema_mismatch");
    assertStringIncludes(
      failure!.message,
      "put 'notes' differs: both sides have Note 1.1, with different fields or variants since its base form",
    );

    await using messages = launchNotes("a", "dictionary");
    await soon(messages.ready, "ready"); // there each field has its name
  },
);

permittedTest(
  "a side whose V8 may not generate code has no lanes",
  { read: true, run: true },
  async () => {
    const module = new URL("../../channel/transport.ts", import.meta.url);
    const code = `import { channelFeatures } from "${module}";
      console.log(JSON.stringify(channelFeatures("lane")));`;
    const features = async (...flags: string[]): Promise<string[]> => {
      const { stdout } = await child.run(Deno.execPath(), {
        args: ["eval", ...flags, code],
      });
      return JSON.parse(stdout);
    };
    const all = await features();
    assert(all.includes("lanes"));
    assertEquals(
      await features("--v8-flags=--disallow-code-generation-from-strings"),
      all.filter((name) => name !== "lanes"),
    );
  },
);

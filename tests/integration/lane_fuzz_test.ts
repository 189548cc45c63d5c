/**
 * Random conversations of a lane's transport with a played peer. In the first ones
 * the peer writes what a peer may write, and frames, releases and ends that are
 * dropped and counted: all of it comes, once and in order, also if messages and
 * rings are late. Then it does one thing that no peer does, and the connection ends
 * by name. In the others it writes anything anywhere.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { nextTurn } from "../../channel/activity.ts";
import type { ErrorCode } from "../../proto/errors.ts";
import { LANE_MAX_RINGS, LANE_TAIL } from "../../proto/lane/layout.ts";
import { RECORD_KIND } from "../../proto/lane/record.ts";
import { NUMBERED_TIMEOUT_MS } from "../../proto/limits.ts";
import { CHANNEL_KEY } from "../../proto/wire/keys.ts";
import { uint64 } from "../../proto/wire/xpc_value.ts";
import { payloadOf } from "../helpers/lane/fake_lane_memory.ts";
import {
  CODEC,
  Conversation,
  PORTS,
  SLOTS,
} from "../helpers/lane/lane_conversation.ts";
import { permittedTest } from "../helpers/permitted.ts";
import type { RecordFields } from "../helpers/lane/played_ring.ts";
import type { Prng } from "../helpers/prng.ts";

// ---- what no peer does ----

/** A frame of one slot. */
const SMALLEST = {
  count: 0,
  big: 0n,
  text: "",
  blob: new Uint8Array(0),
  flag: false,
  mode: "on",
  numbers: new Float64Array(0),
  words: [],
  place: null,
};

/** How a conversation ends, and what the reason says. */
interface Fatal {
  readonly words: RegExp;
  /** By default `malformed_message`. */
  readonly code?: ErrorCode;
  act(conversation: Conversation): void;
}

/** A record whose header has a wrong field. */
function header(words: RegExp, fields: (prng: Prng) => RecordFields): Fatal {
  return {
    words,
    act: ({ peer, prng }) => peer.send(new Uint8Array(8), fields(prng)),
  };
}

/** Sends frames until the tail was looked at: for one that is kept, or too long, it is not. */
function sendUntilOver(conversation: Conversation): void {
  const { failures } = conversation.end;
  for (let n = 0; n < 100 && failures.length === 0; n++) conversation.send();
}

const { release, end, skip } = RECORD_KIND;

const FATAL: Readonly<Record<string, Fatal>> = {
  "a kind that is none": header(
    /with kind = \d+ \(allowed: 1 to 4\)/,
    (prng) => ({
      kind: prng.pick([0, 5, 255]),
    }),
  ),
  "no slots": header(
    /with slots = 0 \(allowed: at least 1\)/,
    () => ({ slots: 0 }),
  ),
  "slots that were not shown": header(
    /allowed: up to 1, the slots that were published/,
    (prng) => ({
      slots: 2 + prng.below(254),
    }),
  ),
  "more bytes than room": header(/allowed: up to 48 in 1 slot/, (prng) => ({
    bytes: 49 + prng.below(2 ** 31),
  })),
  "a release of a port": header(
    /with port = \d+ \(allowed: 0 for kind 2\)/,
    () => ({
      kind: release,
      port: 1,
    }),
  ),
  "an end of a frame": header(
    /with frame = \d+ \(allowed: 0 for kind 3\)/,
    () => ({
      kind: end,
      frame: 9,
    }),
  ),
  "a skip with bytes": header(
    /with bytes = \d+ \(allowed: 0 for kind 4\)/,
    () => ({
      kind: skip,
    }),
  ),
  "a record past the ring's end": {
    words: /the slots from slot 15 to the end of the ring/,
    act: ({ peer, end }) => {
      while (peer.head % SLOTS !== SLOTS - 1) {
        peer.send(new Uint8Array(0), { kind: skip });
        end.transport.poll();
      }
      peer.write(new Uint8Array(8), { slots: 2 });
      peer.show(peer.head + 1);
    },
  },
  "a head beyond the ring": {
    words: /head = \d+, tail = \d+, in a ring of 16/,
    act: ({ peer, prng }) => peer.show(peer.head + 17 + prng.below(2 ** 31)),
  },
  "a tail beyond what was written": {
    words: /it has read more than was written/,
    act: (conversation) => {
      const { peer, prng } = conversation;
      const tail = peer.get(peer.in, LANE_TAIL);
      peer.set(peer.in, LANE_TAIL, tail + 1000 + prng.below(2 ** 30));
      sendUntilOver(conversation);
    },
  },
  "a tail beyond what was written, found while records are read": {
    words: /it has read more than was written/,
    act: (conversation) => {
      const { peer, end } = conversation;
      const come = end.log.length;
      peer.set(peer.in, LANE_TAIL, peer.get(peer.in, LANE_TAIL) + 1000);
      end.react = () => sendUntilOver(conversation);
      const payload = payloadOf(CODEC, SMALLEST);
      const port = PORTS.findIndex((name) => !end.queues[name].hasEnd);
      if (port < 0) return sendUntilOver(conversation);
      for (let n = 0; n < 3; n++) peer.send(payload, { port });
      end.transport.poll();
      assertEquals(end.log.length, come + 1);
    },
  },
  "a record from before a message that has come": {
    words: /a record with after = \d+, when its message \d+ had come/,
    act: ({ peer, end }) => {
      end.receive(peer.numbered({}));
      peer.send(new Uint8Array(8), { after: peer.sent - 1 });
    },
  },
  "a message that is not the next one": {
    words: /a message with number = \d+ \(allowed: \d+/,
    act: ({ peer, end, prng }) => {
      const number = prng.pick([0, peer.sent, peer.sent + 2, 2 ** 40]);
      end.receive({ [CHANNEL_KEY.number]: uint64(number) });
    },
  },
  "a message that does not come": {
    words: /did not come within 5000 ms/,
    code: "timed_out",
    act: ({ peer, end }) => {
      peer.numbered({});
      peer.send(new Uint8Array(8));
      end.transport.poll();
      end.clock.pass(NUMBERED_TIMEOUT_MS);
    },
  },
  "rings without end": {
    words: /it has rung the bell of this side \d+ times/,
    act: ({ lane }) => lane.ring!(lane.announcements + LANE_MAX_RINGS + 1),
  },
  "a bell that is shut down": {
    words: /it has shut the bell of this side down/,
    act: ({ lane }) => lane.shut!(),
  },
};

// ---- conversations ----

/** Runs `body` for each seed. A failure names it. */
async function forSeeds(
  count: number,
  body: (conversation: Conversation) => Promise<void>,
): Promise<void> {
  for (let seed = 1; seed <= count; seed++) {
    try {
      using conversation = new Conversation(seed);
      await body(conversation);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
  await nextTurn(); // what was scheduled finds an end that is over
}

/** Checks that nothing comes after the end, and that nothing throws, whatever happens. */
async function assertOver(conversation: Conversation): Promise<void> {
  const { end, peer } = conversation;
  const before = end.log.length;
  for (let n = 0; n < 40; n++) conversation.stepUnchecked();
  peer.bell();
  await nextTurn();
  assertEquals([end.log.length - before, end.failures.length], [0, 1]);
}

async function speakAndEnd(
  conversation: Conversation,
  { words, code = "malformed_message", act }: Fatal,
): Promise<void> {
  const { prng, end, peer } = conversation;
  for (let round = prng.below(4); round >= 0; round--) {
    for (let n = prng.below(120); n > 0; n--) conversation.step();
    await conversation.settle();
  }
  act(conversation);
  peer.bell();
  end.transport.poll();
  assertEquals(end.failures.map((error) => error.code), [code]);
  assertMatch(end.failures[0]!.message, words);
  await assertOver(conversation);
}

/** Writes anything anywhere. */
function scribble({ peer, prng, lane, end }: Conversation): void {
  const { bytes, counters } = peer.views;
  prng.pick([
    () => void (bytes[prng.below(bytes.length)] = prng.below(256)),
    () => bytes.set(prng.bytes(20), prng.below(bytes.length - 20)),
    () => void (counters[prng.below(400)] = prng.below(2 ** 32)),
    () => peer.show(peer.head + prng.below(3)),
    () => peer.send(prng.bytes(prng.below(40)), { kind: prng.below(5) }),
    () => lane.ring!(prng.below(3)),
    () => end.receive(peer.numbered({})),
    () => end.receive(peer.recordMessage(prng.bytes(prng.below(90)))),
    () => end.clock.pass(prng.below(NUMBERED_TIMEOUT_MS / 50)),
  ])();
}

async function speakAnyhow(conversation: Conversation): Promise<void> {
  const { prng, end } = conversation;
  for (let n = 0; n < 400 && end.failures.length === 0; n++) {
    if (prng.below(3) === 0) scribble(conversation);
    else conversation.stepUnchecked();
    if (prng.below(10) === 0) await nextTurn();
  }
  const [failure, ...more] = end.failures;
  assertEquals(more, []);
  if (!failure) return;
  assert(["malformed_message", "timed_out"].includes(failure.code));
  assertMatch(failure.message, /^The other side has misused the lane: it/);
  await assertOver(conversation);
}

for (
  const [sample, count, needs] of [
    ["a sample of ", 10, {}],
    ["", 400, { exhaustive: true }],
  ] as const
) {
  permittedTest(
    `${sample}random conversations over a lane: everything comes as it was sent, and what no peer does ends them by name`,
    needs,
    async (t) => {
      for (const [name, fatal] of Object.entries(FATAL)) {
        await t.step(
          name,
          () => forSeeds(count, (it) => speakAndEnd(it, fatal)),
        );
      }
    },
  );
  permittedTest(
    `${sample}random conversations over a lane with a peer that writes anything anywhere: they end by name, or go on`,
    needs,
    () => forSeeds(25 * count, speakAnyhow),
  );
}

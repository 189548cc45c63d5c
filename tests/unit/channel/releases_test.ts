import { assertEquals, assertStringIncludes } from "@std/assert";
import { nextTurn } from "../../../channel/activity.ts";
import {
  parseRelease,
  releaseMessage,
} from "../../../channel/dictionary/release_message.ts";
import { Releases } from "../../../channel/releases.ts";
import { MAX_RELEASES_PER_MESSAGE } from "../../../proto/limits.ts";
import { uint64, type XpcDictionary } from "../../../proto/wire/xpc_value.ts";

function collect(dropped = 0): { releases: Releases; sent: XpcDictionary[] } {
  const sent: XpcDictionary[] = [];
  const releases = new Releases({
    send: (batch) => void sent.push(releaseMessage(batch)),
    dropped: () => dropped,
    failed: (error) => {
      throw error;
    },
  });
  return { releases, sent };
}

Deno.test("releases: what is read is what was sent, one or many", async () => {
  for (const count of [1, 2, 5]) {
    const { releases, sent } = collect();
    const frames = Array.from({ length: count }, (_, n) => n + 1);
    const pieces = frames.map((id) => ({
      id,
      generation: 2n ** 63n + BigInt(id),
    }));
    for (const id of frames) releases.frame(id);
    for (const piece of pieces) releases.piece(piece);
    await nextTurn();
    assertEquals(sent.map((message) => parseRelease(message)), [
      {
        frames,
        pieces: pieces.map((piece) => ({ ...piece, givenAway: false })),
        dropped: undefined,
      },
    ]);
  }
});

Deno.test("releases: a piece that was given away has a message of its own", async () => {
  const { releases, sent } = collect();
  releases.piece({ id: 1, generation: 2 });
  releases.piece({ id: 3, generation: 4 }, true);
  releases.flush();
  await nextTurn();
  assertEquals(sent.map((message) => parseRelease(message)), [
    {
      frames: [],
      pieces: [{ id: 3, generation: 4, givenAway: true }],
      dropped: undefined,
    },
    {
      frames: [],
      pieces: [{ id: 1, generation: 2, givenAway: false }],
      dropped: undefined,
    },
  ]);
});

Deno.test("releases: a piece that is named twice is released once", () => {
  const { releases, sent } = collect();
  releases.piece({ id: 1, generation: 4 });
  releases.piece({ id: 1, generation: 4 });
  releases.flush();
  releases.flush();
  assertEquals(sent.length, 1);
  assertEquals(sent[0]!["generation"], uint64(4));
});

Deno.test("releases: a message is bounded, and what is forgotten is not sent", async () => {
  const { releases, sent } = collect();
  for (let n = 0; n <= MAX_RELEASES_PER_MESSAGE; n++) releases.frame(n);
  assertEquals(sent.length, 1);
  releases.forget();
  await nextTurn();
  assertEquals(sent.length, 1);
});

Deno.test("releases: the number of dropped frames is told when it has changed", () => {
  const { releases, sent } = collect(3);
  for (const id of [1, 2]) {
    releases.frame(id);
    releases.flush();
  }
  assertEquals(sent.map((message) => message["dropped"]), [
    uint64(3),
    undefined,
  ]);
});

Deno.test("releases: ids that are cut or too many are refused", () => {
  const long = 8 * (MAX_RELEASES_PER_MESSAGE + 1);
  for (
    const [key, bytes] of [["frames", 7], ["frames", long], ["pieces", 8], [
      "pieces",
      2 * long,
    ]] as const
  ) {
    const problem = parseRelease({ [key]: new Uint8Array(bytes) });
    assertStringIncludes(problem as string, `'${key}' has ${bytes} bytes`);
  }
});

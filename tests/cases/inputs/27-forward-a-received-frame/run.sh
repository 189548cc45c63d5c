#!/usr/bin/env bash
. "$(dirname "$0")/../common.sh"
cat > "$WORK/t.ts" <<'J'
// Can a frame that came from client A be sent to client B as it is?
import { port, ReactiveHost, transferStats, VideoFrame } from "@streamlib/bridge/host";
const inOrder = { read_behavior: "read_next_in_order" } as const;
const io = { inputs: { video: port(VideoFrame, inOrder) }, outputs: { video: port(VideoFrame, inOrder) } };
const launch = (bar: string) => ReactiveHost.launch({ module: new URL("./tag.ts", import.meta.url), ...io, permissions: { env: ["BAR"] }, env: { BAR: bar } });
await using A = launch("0,255,0,0");
await using B = launch("100,0,0,255");
await Promise.all([A.ready, B.ready]);
const picture = { width: 1280, height: 720, pixel_format: "rgba8" } as const;
{
  using f = A.input.video.acquire({ ...picture, pixel_buffer: picture, timestamp_ns: 0n, frame_number: 0n });
  f.pixel_buffer.pixels.fill(128);
  A.input.video.send(f);
}
using a = (await A.output.video.next())!;
try { console.log("send(a):", B.input.video.send(a)); } catch (e) { console.log("send(a):", (e as Error).message); }
// as a template, pixels of A's surface put in place
try {
  using t = B.input.video.acquire(a);
  console.log("template: same memory?", t.pixel_buffer.pixels.buffer === a.pixel_buffer.pixels.buffer, "first pixel", t.pixel_buffer.pixels[0]);
  try { console.log("send({...t, pixel_buffer: a.pixel_buffer})", B.input.video.send({ ...t, pixel_buffer: a.pixel_buffer })); } catch (e) { console.log("mixed:", (e as Error).message); }
  const t0 = performance.now();
  t.pixel_buffer.pixels.set(a.pixel_buffer.pixels);
  console.log("copy", (performance.now() - t0).toFixed(2), "ms");
  B.input.video.send(t);
}
catch (e) { console.log((e as Error).message); }
using b = (await B.output.video.next())!;
console.log("through both", b.pixel_buffer.pixels[4 * 10], b.pixel_buffer.pixels[4 * 110 + 2], b.pixel_buffer.pixels[4 * 500], transferStats());
J
sed 's/inOrder) } /&/' "$WORK/slow.ts" > "$WORK/tag.ts"
(cd "$WORK"; timeout 180 "$DENO" run -q --no-prompt -A t.ts "$@" 2>&1; echo "rc=$?")

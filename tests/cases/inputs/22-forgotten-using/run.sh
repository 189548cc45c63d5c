#!/usr/bin/env bash
. "$(dirname "$0")/../common.sh"
cat > "$WORK/t.ts" <<'J'
// a newcomer forgets `using` on the results
import { port, ReactiveHost, VideoFrame } from "@streamlib/bridge/host";
const mode = Deno.args[0];
const v = mode === "order" ? port(VideoFrame, { read_behavior: "read_next_in_order" }) : VideoFrame;
await using host = ReactiveHost.launch({ module: new URL(mode === "order" ? "./ordered.ts" : "./invert.ts", import.meta.url), inputs: { video: v }, outputs: { video: v } });
await host.ready;
const picture = { width: 64, height: 64, pixel_format: "gray8" } as const;
let got = 0;
(async () => { for await (const f of host.output.video) { got++; f.pixel_buffer.pixels[0]; } })();
for (let n = 0n; n < 40n; n++) {
  if (await Promise.race([host.input.video.ready.then(() => false), new Promise((r) => setTimeout(() => r(true), 3000))])) { console.log("input not ready for 3 s at frame", n); break; }
  using f = host.input.video.acquire({ ...picture, pixel_buffer: picture, timestamp_ns: 0n, frame_number: n });
  host.input.video.send(f); await new Promise((r) => setTimeout(r, 20));
}
console.log(mode, "got", got, host.stats.sent, host.stats.received, host.stats.dropped);
J
run() { (cd "$WORK"; timeout 180 "$DENO" run -q --no-prompt -A t.ts "$@" 2>&1; echo "rc=$?"); }; run order; run latest

#!/usr/bin/env bash
. "$(dirname "$0")/../common.sh"
cat > "$WORK/t.ts" <<'J'
// feed N, then close: what becomes of the tail?
import { port, ReactiveHost, VideoFrame } from "@streamlib/bridge/host";
const v = port(VideoFrame, { read_behavior: "read_next_in_order", capacity: 8 });
const host = ReactiveHost.launch({ module: new URL("./slow.ts", import.meta.url), inputs: { video: v }, outputs: { video: v } });
await host.ready;
const picture = { width: 64, height: 64, pixel_format: "gray8" } as const;
let got = 0; const reader = (async () => { for await (using _ of host.output.video) got++; })();
for (let n = 0n; n < 20n; n++) { await host.input.video.ready; using f = host.input.video.acquire({ ...picture, pixel_buffer: picture, timestamp_ns: 0n, frame_number: n }); host.input.video.send(f); }
if ("drain" in host) await (host as unknown as { drain(): Promise<void> }).drain(); await host.close(); await reader;
console.log("fed 20, got", got, host.stats.dropped);
J
(cd "$WORK"; timeout 180 "$DENO" run -q --no-prompt -A t.ts "$@" 2>&1; echo "rc=$?")

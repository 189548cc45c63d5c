#!/usr/bin/env bash
. "$(dirname "$0")/../common.sh"
cat > "$WORK/t.ts" <<'J'
import { ReactiveHost, VideoFrame } from "@streamlib/bridge/host";
await using host = ReactiveHost.launch({ module: new URL("./slow.ts", import.meta.url), inputs: { video: VideoFrame }, outputs: { video: VideoFrame } });
await host.ready; const p = { width: 4, height: 4, pixel_format: "gray8" } as const; let got = 0;
(async () => { for await (using _ of host.output.video) got++; })();
for (let n = 0n; n < 50n; n++) { await host.input.video.ready; using f = host.input.video.acquire({ ...p, pixel_buffer: p, timestamp_ns: 0n, frame_number: n }); host.input.video.send(f); }
await new Promise((r) => setTimeout(r, 2500)); console.log("client declares in order on both ports; host the default: sent 50, got", got, "host.stats", host.stats.sent, host.stats.received, host.stats.dropped);
J
(cd "$WORK"; timeout 180 "$DENO" run -q --no-prompt -A t.ts "$@" 2>&1; echo "rc=$?")

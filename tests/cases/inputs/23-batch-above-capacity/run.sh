#!/usr/bin/env bash
. "$(dirname "$0")/../common.sh"
cat > "$WORK/t.ts" <<'J'
import { port, ReactiveHost, VideoFrame } from "@streamlib/bridge/host";
const v = port(VideoFrame, { read_behavior: "read_next_in_order", capacity: 4 });
await using host = ReactiveHost.launch({ module: new URL("./batch.ts", import.meta.url), inputs: { video: v }, outputs: { video: v } });
await host.ready; const p = { width: 4, height: 4, pixel_format: "gray8" } as const;
for (let n = 0n; n < 12n; n++) { if (await Promise.race([host.input.video.ready.then(() => 0), new Promise((r) => setTimeout(() => r(1), 1500))])) { console.log("stuck at", n, "- no warning"); break; } using f = host.input.video.acquire({ ...p, pixel_buffer: p, timestamp_ns: 0n, frame_number: n }); host.input.video.send(f); }
J
(cd "$WORK"; timeout 180 "$DENO" run -q --no-prompt -A t.ts "$@" 2>&1; echo "rc=$?")

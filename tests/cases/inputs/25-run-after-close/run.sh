#!/usr/bin/env bash
. "$(dirname "$0")/../common.sh"
cat > "$WORK/t.ts" <<'J'
import { ContinuousHost, VideoFrame } from "@streamlib/bridge/host";
const host = ContinuousHost.launch({ module: new URL("./cont.ts", import.meta.url), inputs: { video: VideoFrame }, outputs: { video: VideoFrame } });
const p = { width: 64, height: 64, pixel_format: "gray8" } as const; let n = 0n;
const running = host.run((h) => { using f = h.input.video.acquire({ ...p, pixel_buffer: p, timestamp_ns: 0n, frame_number: n++ }); h.input.video.send(f); using _ = h.output.video.get(); });
running.then(() => console.log("run resolved"), (e) => console.log("run REJECTS after an orderly close:", e.code, e.message));
await host.ready; await new Promise((r) => setTimeout(r, 500)); await host.close(); await new Promise((r) => setTimeout(r, 100)); console.log("ended", await host.ended);
J
(cd "$WORK"; timeout 180 "$DENO" run -q --no-prompt -A t.ts "$@" 2>&1; echo "rc=$?")

#!/usr/bin/env bash
. "$(dirname "$0")/../common.sh"
cat > "$WORK/t.ts" <<'J'
import { ReactiveHost, VideoFrame, port } from "@streamlib/bridge/host";
const m = new URL("./opt.ts", import.meta.url);
for (const [n, inputs] of [["without b", { a: VideoFrame }], ["without a", { b: VideoFrame }], ["b required", { a: VideoFrame, b: VideoFrame }]] as const) {
  await using h = ReactiveHost.launch({ module: m, inputs, outputs: { video: VideoFrame } }); await h.ready.then(() => console.log(n, "ready"), (e) => console.log(n, "->", e.message.split("\n")[0]));
}
await using h = ReactiveHost.launch({ module: new URL("./invert.ts", import.meta.url), inputs: { video: VideoFrame }, outputs: { video: VideoFrame } }); await h.ready;
try { using f = h.input.video.acquire({ pixel_buffer: { width: 64, height: 64, pixel_format: "gray8" }, width: 1920, height: 1080, pixel_format: "rgba8", timestamp_ns: 0n, frame_number: 0n }); console.log("inconsistent frame: sent", h.input.video.send(f)); using r = await h.output.video.next(); console.log("came as", r!.width, r!.height, r!.pixel_format, r!.pixel_buffer.width, r!.pixel_buffer.pixel_format, r!.pixel_buffer.pixels.length); } catch (e) { console.log("inconsistent:", (e as Error).message); }
try { using f = h.input.video.acquire({ pixel_buffer: { width: 64, height: 64, pixel_format: "gray8" } } as never); void f; } catch (e) { console.log("short:", (e as Error).message); }
J
(cd "$WORK"; timeout 180 "$DENO" run -q --no-prompt -A t.ts "$@" 2>&1; echo "rc=$?")

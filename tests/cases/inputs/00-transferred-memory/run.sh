#!/usr/bin/env bash
. "$(dirname "$0")/../common.sh"
cat > "$WORK/vecho.ts" <<'J'
import { AudioFrame, reactive, VideoFrame } from "@streamlib/bridge/client";
export default reactive({ inputs: { video: VideoFrame, audio: AudioFrame }, outputs: { video: VideoFrame, audio: AudioFrame },
  async process({ input, output }) {
    { using f = input.video.get(); if (f) { await output.video.ready; using o = output.video.acquire(f); o.pixel_buffer.pixels.set(f.pixel_buffer.pixels); output.video.send(o); } }
    { using f = input.audio.get(); if (f) { await output.audio.ready; using o = output.audio.acquire(f); o.samples.set(f.samples); output.audio.send(o); } } } });
J
cat > "$WORK/t.ts" <<'J'
import { AudioFrame, ReactiveHost, VideoFrame } from "@streamlib/bridge/host";
const mode = Deno.args[0]!; const host = ReactiveHost.launch({ module: new URL("./vecho.ts", import.meta.url), inputs: { video: VideoFrame, audio: AudioFrame }, outputs: { video: VideoFrame, audio: AudioFrame } });
let ended = "not settled"; host.ended.then((f) => ended = "settled " + (f?.message ?? "")); await host.ready;
const W = 64, H = 36, pb = { width: W, height: H, pixel_format: "rgba8" } as const;
const child = mode === "byob" ? new Deno.Command("ffmpeg", { args: ["-loglevel", "quiet", "-f", "lavfi", "-i", `color=white:s=${W}x${H}:d=1`, "-pix_fmt", "rgba", "-f", "rawvideo", "pipe:1"], stdout: "piped" }).spawn() : undefined;
const reader = child?.stdout.getReader({ mode: "byob" });
const worker = mode === "worker" ? new Worker("data:text/javascript,onmessage=(e)=>postMessage(e.data.length)", { type: "module" }) : undefined;
for (let i = 0; i < 3; i++) try {
  if (mode === "audio") {
    await host.input.audio.ready; using a = host.input.audio.acquire({ samples: { length: 960 }, channels: 2, sample_rate: 48000, timestamp_ns: 0n, frame_number: 0n }); a.samples.fill(1);
    if (i === 0) structuredClone(a.samples, { transfer: [a.samples.buffer as ArrayBuffer] });
    const sent = host.input.audio.send(a); using b = await host.output.audio.next(); console.log(`${i}: sent ${sent}, ${b?.samples.length} samples back`); continue;
  }
  await host.input.video.ready; using f = host.input.video.acquire({ pixel_buffer: pb, pixel_format: "rgba8", width: W, height: H, timestamp_ns: 0n, frame_number: BigInt(i) });
  if (reader) await reader.read(f.pixel_buffer.pixels); else f.pixel_buffer.pixels.fill(255);
  const sent = host.input.video.send(f); using o = await host.output.video.next(); const p = o!.pixel_buffer.pixels;
  console.log(`${i}: sent ${sent}; back: ${p.length} bytes, the first ${p[0]} (expected 9216, 255)`);
  if (worker) worker.postMessage(p, [p.buffer as ArrayBuffer]);
} catch (e) { console.log(`${i}: threw ${(e as Error).name}: ${(e as Error).message}`); }
worker?.terminate(); try { child?.kill(); } catch { /* ended */ }
try { await host.close(); console.log("closed"); } catch (e) { console.log(`close threw ${(e as Error).name}: ${(e as Error).message}`); }
await new Promise((r) => setTimeout(r, 3000)); console.log(`3 s later: ended ${ended}`);
J
for m in none byob worker audio; do echo "-- $m"; (cd "$WORK"; timeout 100 "$DENO" run -q --no-prompt -A t.ts $m 2>&1 | cut -c1-150 | head -12; echo "rc=${PIPESTATUS[0]} (124: never ended)"); done
cat > "$WORK/r.ts" <<'J'
import { AudioFrame, ReactiveHost, VideoFrame } from "@streamlib/bridge/host";
const host = ReactiveHost.launch({ module: new URL("./vecho.ts", import.meta.url), inputs: { video: VideoFrame, audio: AudioFrame }, outputs: { video: VideoFrame, audio: AudioFrame }, restart: "on-failure", onRestart: (r) => console.log("restart", r.inARow) });
await host.ready; const pb = { width: 64, height: 36, pixel_format: "rgba8" } as const;
{ await host.input.video.ready; using f = host.input.video.acquire({ pixel_buffer: pb, ...pb, timestamp_ns: 0n, frame_number: 0n } as never); host.input.video.send(f); using o = await host.output.video.next(); if (Deno.args[0]) structuredClone(o!.pixel_buffer.pixels, { transfer: [o!.pixel_buffer.pixels.buffer as ArrayBuffer] }); }
const first = host.clientPid; Deno.kill(first, "SIGKILL"); await new Promise((r) => setTimeout(r, 4000)); console.log("another client:", host.clientPid !== first); Deno.exit(0);
J
for a in "" transferred; do echo "-- the client is killed, restart on-failure; ${a:-nothing transferred}"; (cd "$WORK"; timeout 100 "$DENO" run -q --no-prompt -A r.ts $a 2>&1 | head -3 | cut -c1-150; echo "host rc=${PIPESTATUS[0]}"); done

#!/usr/bin/env bash
. "$(dirname "$0")/../common.sh"
cat > "$WORK/texts.ts" <<'J'
import { DataFrame, ReactiveHost, VideoFrame } from "@streamlib/bridge/host";
const say = (what: string, e: unknown) => console.log(`${what}: ${(e as { code?: string }).code} ${JSON.stringify((e as Error).message).slice(0, 260)}`);
const none = new URL("./echo.ts", import.meta.url);
{ await using host = ReactiveHost.launch({ module: none, inputs: { video: VideoFrame } }); host.ready.catch(() => {});
  for (const pixel_buffer of [{ width: 16, height: 16, pixel_format: "nv21" }, { width: 16n, height: 16, pixel_format: "rgba8" }]) try { host.input.video.acquire({ pixel_buffer, pixel_format: "rgba8", width: 16, height: 16, timestamp_ns: 0n, frame_number: 0n } as never); } catch (e) { say(String(pixel_buffer.pixel_format), e); } }
try { await using h = ReactiveHost.launch({ module: none, inputs: { work: DataFrame }, outputs: { done: DataFrame }, permissions: { read: [new URL("./100% models/", import.meta.url)] } }); await h.ready; } catch (e) { say("a % in a URL", e); }
Deno.writeTextFileSync(new URL("./boom.ts", import.meta.url), 'import { DataFrame, reactive } from "@streamlib/bridge/client"; setTimeout(() => { throw new Error("boom"); }, 300); export default reactive({ inputs: { work: DataFrame }, outputs: { done: DataFrame }, process() {} });');
try { await using h = ReactiveHost.launch({ module: new URL("./boom.ts", import.meta.url), inputs: { work: DataFrame }, outputs: { done: DataFrame }, output: () => {} }); await h.ready; const f = await h.ended; throw f; } catch (e) { say("colours", e); }
J
unset NO_COLOR; (cd "$WORK"; timeout 120 "$DENO" run -q --no-prompt -A texts.ts 2>&1)

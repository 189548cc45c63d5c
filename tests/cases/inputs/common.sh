# Sourced by each run.sh; run them from a checkout that was built (deno task build). REPO and DENO may be set.
REPO=${REPO:-$(git rev-parse --show-toplevel)}
DENO=${DENO:-$(cd "$REPO" && npx -y deno@2.9.3 eval "console.log(Deno.execPath())")}
HERE=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
WORK=$(mktemp -d); trap 'rm -rf "$WORK"' EXIT
export STREAMLIB_HOME=$WORK/home NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
cat > "$WORK/deno.json" <<J
{"imports":{"@streamlib/bridge":"$REPO/mod.ts","@streamlib/bridge/host":"$REPO/host/mod.ts","@streamlib/bridge/client":"$REPO/client/mod.ts"},"lock":false}
J
cp "$HERE"/../_modules/*.ts "$HERE"/*.ts "$WORK"/ 2>/dev/null
cat > "$WORK/echo.ts" <<'J'
import { DataFrame, reactive } from "@streamlib/bridge/client";
export default reactive({ inputs: { work: DataFrame }, outputs: { done: DataFrame },
  process({ input, output }) { using w = input.work.get(); if (!w) return; using d = output.done.acquire(w); output.done.send(d); } });
J
cat > "$WORK/chatty.ts" <<'J'
import { DataFrame, reactive } from "@streamlib/bridge/client";
const line = "x".repeat(1000);
export default reactive({ inputs: { work: DataFrame }, outputs: { done: DataFrame },
  process({ input, output }) { using w = input.work.get(); if (!w) return;
    for (let i = 0; i < 100; i++) console.log(line); // 100 KB of stdout a frame
    using d = output.done.acquire(w); output.done.send(d); } });
J
cat > "$WORK/host.ts" <<'J'
// host.ts '{"module":"./echo.ts", …options of launch}': 20 frames there and back
import { DataFrame, ReactiveHost } from "@streamlib/bridge/host";
const opt = JSON.parse(Deno.args[0] ?? "{}"); const t0 = performance.now();
try {
  await using host = ReactiveHost.launch({ inputs: { work: DataFrame }, outputs: { done: DataFrame }, timeoutSecs: 20, ...opt,
    module: new URL(opt.module ?? "./echo.ts", import.meta.url) });
  await host.ready;
  for (let i = 0; i < 20; i++) {
    await host.input.work.ready;
    using w = host.input.work.acquire({ data: new Uint8Array(8), schema_name: "n" + i, timestamp_ns: 0n });
    host.input.work.send(w);
    using d = await host.output.done.next();
    if (!d) break;
    console.log(`frame ${i} after ${Math.round(performance.now() - t0)} ms`);
  }
  console.log("OK: all frames came");
} catch (e) { const { code, message } = e as { code?: string; message: string }; console.log("CAUGHT", code, message.slice(0, 600)); }
J
host() { (cd "$WORK" && timeout "${LIMIT:-100}" "$DENO" run -q --no-prompt -A host.ts "$@"); }
demo() { (cd "$REPO" && timeout "${LIMIT:-100}" "$DENO" task -q demo "$@"); }

#!/usr/bin/env bash
. "$(dirname "$0")/../common.sh"
cat > "$WORK/ns.sh" <<J
#!/bin/sh
exec unshare --pid --fork --mount-proc --kill-child $DENO "\$@"
J
cat > "$WORK/collide.sh" <<J
#!/bin/sh
HOST=\$(cut -d' ' -f4 /proc/\$\$/stat)
exec unshare --pid --fork --mount-proc --kill-child sh -c "echo \$((HOST-1)) > /proc/sys/kernel/ns_last_pid; sleep 4 & echo 10 > /proc/sys/kernel/ns_last_pid; $DENO \"\\\$@\"; exit \\\$?" sh "\$@"
J
chmod +x "$WORK"/*.sh
cat > "$WORK/long.ts" <<'J'
import { DataFrame, ReactiveHost } from "@streamlib/bridge/host";
await using host = ReactiveHost.launch({ deno: Deno.args[0]!, module: new URL("./echo.ts", import.meta.url), inputs: { work: DataFrame }, outputs: { done: DataFrame } });
const t = performance.now(); host.ready.then(() => console.log("ready"), () => {});
const f = await Promise.race([host.ended, new Promise<undefined>((r) => setTimeout(r, 12_000))]);
console.log(f ? `ended after ${Math.round(performance.now() - t)} ms: ${f.message}` : "still there after 12 s");
J
for w in ns collide; do echo "-- $w"; (cd "$WORK"; timeout 120 "$DENO" run -q --no-prompt -A long.ts "$WORK/$w.sh"); done

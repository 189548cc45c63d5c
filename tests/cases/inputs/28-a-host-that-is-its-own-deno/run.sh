#!/usr/bin/env bash
. "$(dirname "$0")/../common.sh"
# Stands for a host made by deno compile: Deno.execPath() is the host program itself. It counts, and stops at 6.
echo 0 > "$WORK/count"; export COUNT=$WORK/count
cat > "$WORK/self.sh" <<J
#!/bin/sh
n=\$((\$(cat "$WORK/count") + 1)); echo \$n > "$WORK/count"
[ \$n -gt 5 ] && { echo "stopped at \$n" >&2; exit 9; }
SELF="$WORK/self.sh" exec "$DENO" run -q -A "$WORK/t.ts"
J
chmod +x "$WORK/self.sh"
cat > "$WORK/t.ts" <<'J'
import { ReactiveHost, VideoFrame } from "@streamlib/bridge/host";
console.error("a host,", Deno.pid);
await using host = ReactiveHost.launch({ module: new URL("./invert.ts", import.meta.url), inputs: { video: VideoFrame }, outputs: { video: VideoFrame }, timeoutSecs: 8, deno: Deno.env.get("SELF")! });
await host.ready; console.log("ready");
J
(cd "$WORK"; SELF="$WORK/self.sh" timeout 180 "$DENO" run -q -A t.ts 2>&1 | cut -c1-150; echo "hosts started: $(cat "$WORK/count")")

#!/usr/bin/env bash
. "$(dirname "$0")/../common.sh"
cat > "$WORK/node_beside.ts" <<'J'
// the host's program also runs a Node tool with stderr inherited: Node makes the shared pipe O_NONBLOCK
new Deno.Command("node", { args: ["-e", "process.stderr.write('node tool\\n'); setTimeout(() => {}, 7000)"], stdout: "inherit", stderr: "inherit" }).spawn().unref();
await new Promise((r) => setTimeout(r, 500));
Deno.args.length; await import("./host.ts"); Deno.exit(0);
J
echo "-- a Node program shares stderr, the reader is slow (expected: 20 frames, rc 0)"
(cd "$WORK"; timeout 120 "$DENO" run -q --no-prompt -A node_beside.ts '{"module":"./chatty.ts"}' 2> >(python3 -c 'import os,time
t=b""
while True:
  time.sleep(.02); b=os.read(0,4096)
  if not b: break
  t=(t+b)[-900:]
print("stderr ends:",t.replace(b"x"*50,b"").decode(errors="replace"))' >"$WORK/err"); echo "host rc=$?"); sleep 8; head -c 900 "$WORK/err"
echo "-- stderr on a full disk (expected: 20 frames, rc 0)"
host '{"module":"./chatty.ts"}' 2>/dev/full; echo "host rc=$?"

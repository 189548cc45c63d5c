#!/usr/bin/env bash
# setup.sh DEST [REPO]: lays the programs out in DEST, runnable against a checkout that was built. Then e.g. python3 DEST/01-outbox/schema.py
set -eu
dest=$(mkdir -p "$1" && cd "$1" && pwd); repo=$(cd "${2:-$(git rev-parse --show-toplevel)}" && pwd); here=$(cd "$(dirname "$0")" && pwd)
deno=${DENO:-$(cd "$repo" && npx -y deno@2.9.3 eval "console.log(Deno.execPath())")}
cp -r "$here"/. "$dest"/; mkdir -p "$dest/h"
grep -rlE 'ATTACK_PATH|REPO_PATH|DENO_PATH' "$dest" | grep -v setup.sh | xargs sed -i "s#ATTACK_PATH/repro#$dest#g; s#ATTACK_PATH#$dest#g; s#REPO_PATH#$repo#g; s#DENO_PATH#$deno#g"
sed -i "s#^R=.*#R='$repo'#; s#^D=.*#D='$deno'#" "$dest/lib/env.py"
for d in "$dest"/*/; do cat > "$d/deno.json" <<J
{"imports": {"@streamlib/bridge": "$repo/mod.ts", "@streamlib/bridge/client": "$repo/client/mod.ts", "@streamlib/bridge/host": "$repo/host/mod.ts", "@streamlib/bridge/broker": "$repo/broker/mod.ts", "@grpc/grpc-js": "npm:@grpc/grpc-js@1.14.7", "protobufjs": "npm:protobufjs@7.6.6"}}
J
done

#!/usr/bin/env bash
. "$(dirname "$0")/../common.sh"
cat > "$WORK/deno.json" <<J
{ "imports": { "@streamlib/bridge/host": "$REPO/host/mod.ts", "@streamlib/bridge/client": "$REPO/client/mod.ts", "ms/package.json": "npm:ms@^2.1.0/package.json" } }
J
echo '{"version":"5","specifiers":{"npm:ms@^2.1.0":"2.1.1"},"npm":{"ms@2.1.1":{"integrity":"sha512-tgp+dl5cGk28utYktBsrFqA7HKgrhgPsg6Z/EfhWI4gl1Hwq8B/GmY/0oXZ6nF8hDVesS/FpnYaD/kOWhYQvyg=="}}}' > "$WORK/deno.lock"
(cd "$WORK"; timeout 180 "$DENO" run -q --no-prompt -A t.ts "$@" 2>&1; echo "rc=$?")

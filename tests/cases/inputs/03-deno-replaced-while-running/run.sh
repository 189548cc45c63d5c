#!/usr/bin/env bash
. "$(dirname "$0")/../common.sh"
cp "$DENO" "$WORK/deno-copy"
cat > "$WORK/replaced.ts" <<'J'
import { DataFrame, ReactiveHost } from "@streamlib/bridge/host";
const options = { module: new URL("./echo.ts", import.meta.url), inputs: { work: DataFrame }, outputs: { done: DataFrame } };
await using host = ReactiveHost.launch({ ...options, restart: "on-failure", onRestart: ({ inARow, failure }) => console.log(`restart ${inARow}: ${failure.message.split("\n")[0]!.slice(-120)}`) });
await host.ready; const me = Deno.execPath();
await Deno.copyFile(me, me + ".new"); await Deno.chmod(me + ".new", 0o755); await Deno.rename(me + ".new", me);
Deno.kill(host.clientPid, "SIGKILL");
const failure = await Promise.race([host.ended, new Promise((r) => setTimeout(r, 25_000))]);
console.log("the restarting host:", failure ? "gave up" : `lives, client ${host.clientPid}`);
const fresh = ReactiveHost.launch(options); try { await fresh.ready; console.log("a new launch: ready"); } catch (e) { console.log("a new launch:", (e as Error).message.slice(-130)); } await fresh.close();
const work = ReactiveHost.launch({ ...options, deno: "/proc/self/exe" }); try { await work.ready; console.log("with deno: '/proc/self/exe': ready"); } catch (e) { console.log("with /proc/self/exe:", (e as Error).message.slice(-130)); } await work.close();
J
(cd "$WORK"; timeout 240 ./deno-copy run -q --no-prompt -A replaced.ts; echo "rc=$?")

#!/usr/bin/env bash
. "$(dirname "$0")/../common.sh"
python3 - "$DENO" "$WORK" <<'P'
import subprocess,os,sys,time,threading
deno,work=sys.argv[1:]
for what,nap in (("read at once",0),("4 KB each 20 ms",.02),("never read",None)):
    r,w=os.pipe(); p=subprocess.Popen([deno,"run","-q","--no-prompt","-A","host.ts",'{"module":"./chatty.ts"}'],cwd=work,stdout=subprocess.PIPE,stderr=w); os.close(w)
    def rd(r=r,nap=nap):
        while nap is not None:
            time.sleep(nap)
            if not os.read(r,4096): return
    threading.Thread(target=rd,daemon=True).start(); t=time.time()
    try: out=p.communicate(timeout=100)[0].decode().strip().splitlines(); print(f"stderr {what}: {out[-1]}, {time.time()-t:.1f} s")
    except subprocess.TimeoutExpired: p.kill(); print(f"stderr {what}: HUNG")
P

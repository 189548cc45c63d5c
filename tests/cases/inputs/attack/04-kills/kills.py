import sys; sys.path.insert(0,__import__('os').path.join(__import__('os').path.dirname(__import__('os').path.abspath(__file__)),'..','lib'))
from env import *
from xw import *
import threading, collections
def procs(h):
    out={}
    for p in os.listdir('/proc'):
        if not p.isdigit() or int(p)==os.getpid(): continue
        try:
            if ('STREAMLIB_HOME='+h+'\0').encode() not in open(f'/proc/{p}/environ','rb').read(): continue
            st=open(f'/proc/{p}/stat').read().rsplit(')',1)[1].split()
            if st[0]=='Z': continue
            out[int(p)]=open(f'/proc/{p}/cmdline','rb').read().replace(b'\0',b' ')[:60].decode()
        except OSError: continue
    return out
def children(pid):
    try: return [int(x) for t in os.listdir(f'/proc/{pid}/task') for x in open(f'/proc/{pid}/task/{t}/children').read().split()]
    except OSError: return []
def trial(h,rng,target,sig,delay,ext=None):
    e=env(h); e['DENO_NO_UPDATE_CHECK']='1'
    if ext: e['BROKER']='k.b'
    t0=time.time()
    host=subprocess.Popen([D,'run','-A','-q','--no-lock','host.ts'],cwd='ATTACK_PATH/repro/04-kills',env=e,stdout=subprocess.PIPE,stderr=subprocess.PIPE,)
    lines=[]; 
    def rd():
        for l in host.stdout:
            try: lines.append(json.loads(l))
            except Exception: lines.append({'raw':l.decode()})
    th=threading.Thread(target=rd,daemon=True); th.start()
    errs=[]; th2=threading.Thread(target=lambda: errs.append(host.stderr.read()),daemon=True); th2.start()
    # base: wait for a phase, then jitter
    phase=rng.choice(['raw','spawned','ready','flow'])
    lim=time.time()+20
    while time.time()<lim and host.poll() is None:
        if phase=='raw': break
        if phase=='spawned' and children(host.pid): break
        if phase in('ready','flow') and any(l.get('ev')==phase for l in lines): break
        time.sleep(.005)
    time.sleep(delay)
    kids=children(host.pid); victim=None
    if target=='host': victim=host.pid
    elif target=='client': victim=kids[0] if kids else None
    elif target=='broker': victim=ext.info['pid']
    if victim is None: target='host'; victim=host.pid
    r={'phase':phase,'target':target,'sig':sig.name,'delay':round(delay,3)}
    tk=time.time()
    os.kill(victim,sig)
    if sig==signal.SIGSTOP:
        time.sleep(rng.random()*1.5); os.kill(victim,signal.SIGCONT if rng.random()<.6 else signal.SIGKILL); tk=time.time(); r['then']='cont/kill'
        if os.path.exists(f'/proc/{victim}') : r['stopped']=1
    # wait for everyone to go
    res='gone'
    limit=8
    while True:
        alive=procs(h) if not ext else {p:c for p,c in procs(h).items() if p!=ext.info['pid']}
        if ext: alive={p:c for p,c in alive.items() if 'broker/main.ts' not in c}
        if not alive: break
        if time.time()-tk>limit: res='LEFT'; break
        time.sleep(.02)
    r['gone_ms']=int((time.time()-tk)*1000); r['res']=res
    th.join(1)
    r['ended']=[l for l in lines if l.get('ev') in('ended','notready','CORRUPT')]
    for l in r['ended']: l['after_ms']=int(l.pop('t')-tk*1000)
    if res=='LEFT':
        r['alive']=alive; r['last']=lines[-3:]
        for p in alive: 
            try: os.kill(p,9)
            except OSError: pass
    host.wait(); th2.join(1); r['rc']=host.returncode; r['err']=(errs[0][-300:].decode() if errs and errs[0] else '')
    return r
if __name__=='__main__':
    seed=int(sys.argv[1]); n=int(sys.argv[2]); mode=sys.argv[3]
    rng=random.Random(seed); h=home(f'k{seed}')
    ext=broker(h,'k.b') if mode=='ext' else None
    out=open(f'ATTACK_PATH/kills-{seed}.jsonl','w')
    sigs=[signal.SIGKILL]*4+[signal.SIGTERM,signal.SIGINT,signal.SIGSTOP]
    for i in range(n):
        target=rng.choice(['host','client','client'] if mode!='ext' else ['host','client','broker'])
        sig=rng.choice(sigs)
        r=trial(h,rng,target,sig,rng.random()*rng.choice([.05,.3,1.0]),ext)
        r['run']=os.listdir(h+'/run') if os.path.exists(h+'/run') else []
        if ext and r['target']=='broker':
            time.sleep(.2)
            if ext.poll() is not None or sig in(signal.SIGKILL,signal.SIGTERM,signal.SIGINT):
                try: ext.wait(3)
                except Exception: ext.kill(); ext.wait(); r['broker_hung']=1
                t=time.time(); ext=broker(h,'k.b'); r['broker_back_ms']=int((time.time()-t)*1000)
        out.write(json.dumps(r)+'\n'); out.flush()
    # a next start works
    e=env(h); 
    if ext: e['BROKER']='k.b'
    ok=subprocess.run([D,'run','-A','-q','--no-lock','host.ts','once'],cwd='ATTACK_PATH/repro/04-kills',env=e,capture_output=True,timeout=60)
    out.write(json.dumps({'final':ok.returncode,'out':ok.stdout.decode()[-300:],'run':os.listdir(h+'/run') if os.path.exists(h+'/run') else []})+'\n')
    if ext: out.write(json.dumps({'broker_stop':stop(ext),'run':os.listdir(h+'/run'),'fds':0})+'\n')

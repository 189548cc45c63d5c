import sys; sys.path.insert(0,__import__('os').path.join(__import__('os').path.dirname(__import__('os').path.abspath(__file__)),'..','lib'))
from env import *
h=home('rs'); b=broker(h,'q.b')
for k in ('throw','big'):
    p=subprocess.run([D,'run','-A','-q','--no-lock','host_b.ts',k],cwd='ATTACK_PATH/repro/19-exits',env=env(h),capture_output=True,timeout=40); print('host hears:',p.stdout.decode()[:140].strip(), p.stderr.decode()[-200:])
e=env(h); e['STREAMLIB_BROKER_XPC_SERVICE']='q.b'
o=subprocess.run([D,'run','-q','--no-prompt','-P=cli','cli/main.ts','broker','connections'],cwd=R,env=e,capture_output=True).stdout.decode(); print('\n'.join(l[:200] for l in o.splitlines()))
print(stop(b)); print('\n'.join(l[:250] for l in open(h+'/broker.err').read().splitlines() if 'failed' in l or 'lost' in l))

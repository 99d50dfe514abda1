"""An agent that leaves a daemon behind: forked twice, its own session, no variable of ours.

`daemon.py FILE`: writes the daemon's pid to FILE, then ends well.
"""

import os
import signal
import sys
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        os.chdir("/")
        # What it is known by is gone: a program started anew has no environment of the old one.
        code = (
            "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
        )
        os.execve(sys.executable, [sys.executable, "-I", "-c", code, sys.argv[1]], {})
    os._exit(0)
while not os.path.exists(sys.argv[1]) or not os.path.getsize(sys.argv[1]):
    time.sleep(0.01)

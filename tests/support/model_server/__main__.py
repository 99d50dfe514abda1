"""Plays a script for agents that are started by hand: `python -m support.model_server SCRIPT`.

From the folder `tests`. What was asked for goes to standard output, one JSON object a request.
"""

import sys
import threading
from pathlib import Path

from support.model_server import ModelServer, Script

with ModelServer(Script.read(Path(sys.argv[1])), Path("/dev/stdout")) as server:
    sys.stderr.write(f"{server.url}\n")
    threading.Event().wait()

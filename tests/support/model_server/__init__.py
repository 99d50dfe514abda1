"""A model that is played: real coding agents ask it, and it answers what a script says.

with ModelServer(Script.read(path)) as server:
    ...  # ANTHROPIC_BASE_URL=server.url, and the like: see `support/real_agents.py`
    server.asked  # what was asked for, one `Record` a request

It speaks the Anthropic Messages API, the OpenAI Responses API and the Gemini API, streaming and
not, as far as Claude Code, Codex, Gemini CLI and opencode need them. It listens on loopback only.
`script.py` says how scripts are written, `python -m support.model_server SCRIPT` plays one by hand.
"""

from support.model_server.script import Fault, Script
from support.model_server.server import ModelServer, Record

__all__ = ["Fault", "ModelServer", "Record", "Script"]

"""The real agents: where they were installed, and how each is pointed at the played model.

`$REAL_AGENTS` is the folder into which `tests/agents/install.py` has put them. Nothing of the
developer's reaches them: a HOME of their own, an environment of a few names, keys that are fake.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "REAL_AGENTS"
#: What of our own environment they get; all else is theirs alone.
INHERITED = ("PATH", "LANG", "LC_ALL")

#: For whatever is not on loopback they are sent to a proxy that is not there: where there is a network,
#: Codex would else ask for `api.github.com` and `chatgpt.com`.
_NOWHERE = {
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"),
    "NO_PROXY": "127.0.0.1,localhost",
}
_CODEX = """\
model = "played"
model_provider = "played"
[model_providers.played]
name = "played"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "OPENAI_API_KEY"
request_max_retries = 0
stream_max_retries = 0
[tools.update_plan]
enabled = true
[analytics]
enabled = false
"""


def programs(name: str) -> Path | None:
    """Returns the folder that has the program of that backend, if it was installed."""
    home = os.environ.get(VARIABLE, "")
    folder = Path(home) / name / "node_modules" / ".bin"
    return folder if home and (folder / name).exists() else None


def installed() -> list[str]:
    """Returns the backends whose programs were installed."""
    return [name for name in SETTLE if programs(name) is not None]


def surroundings(name: str, folder: Path, url: str) -> dict[str, str]:
    """Makes a home for an agent below the folder; returns the whole environment for it.

    The temporary folder lies beside the home: Codex refuses to work for a home below it.
    """
    home, temporary = folder / "home", folder / "tmp"
    home.mkdir(parents=True, exist_ok=True)
    temporary.mkdir(exist_ok=True)
    env = {one: os.environ[one] for one in INHERITED if one in os.environ}
    env |= {"HOME": str(home), "TMPDIR": str(temporary), "TERM": "dumb", "TZ": "UTC"}
    env |= _NOWHERE
    env["PATH"] = f"{programs(name)}{os.pathsep}{env['PATH']}"
    return {**env, **SETTLE[name](home, url)}


def let_retry(folder: Path) -> None:
    """Lets an agent with that folder ask again as often as it does by itself, if it is Codex."""
    config = folder / "home" / ".codex" / "config.toml"
    if config.exists():
        lines = config.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = (line for line in lines if "_max_retries" not in line)
        config.write_text("".join(kept), encoding="utf-8")


def _claude(home: Path, url: str) -> Mapping[str, str]:
    del home
    return {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "sk-ant-fake-key-000",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "0",
    }


def _codex(home: Path, url: str) -> Mapping[str, str]:
    _write(home / ".codex" / "config.toml", _CODEX.format(url=url))
    return {"OPENAI_API_KEY": "sk-fake-openai-key-000"}


def _gemini(home: Path, url: str) -> Mapping[str, str]:
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"maxAttempts": 1},
    }
    _write(home / ".gemini" / "settings.json", json.dumps(settings))
    return {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": "fake-gemini-key-000"}


def _opencode(home: Path, url: str) -> Mapping[str, str]:
    model = {
        "name": "played",
        "cost": {"input": 5, "output": 25},
        "limit": {"context": 200_000, "output": 8_000},
    }
    provider = {
        "npm": "@ai-sdk/anthropic",
        "options": {"baseURL": f"{url}/v1", "apiKey": "sk-ant-fake-key-000"},
        "models": {"claude-played": model},
    }
    config = {
        "autoupdate": False,
        "share": "disabled",
        "model": "anthropic/claude-played",
        "provider": {"anthropic": provider},
    }
    _write(home / ".config" / "opencode" / "opencode.json", json.dumps(config))
    return {"OPENCODE_DISABLE_MODELS_FETCH": "1"}


#: What each needs in its home and its environment.
SETTLE: Mapping[str, Callable[[Path, str], Mapping[str, str]]] = {
    "claude": _claude,
    "codex": _codex,
    "gemini": _gemini,
    "opencode": _opencode,
}


@dataclass(frozen=True, slots=True)
class Price:
    """What a played model costs in dollars for a million tokens in and out."""

    read: float
    written: float

    def of(self, tokens: tuple[int, int]) -> float:
        """Returns the cost of so many tokens."""
        return (tokens[0] * self.read + tokens[1] * self.written) / 1_000_000


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")

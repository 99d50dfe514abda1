"""A `gh` of our own: it knows one repository's pull requests, which lie in a file beside it.

It takes what the real one takes of `pr view`, `pr create` and `pr edit`, and refuses the rest.
"""

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = """\
#!/bin/sh
exec "{python}" "{script}" "{file}" "$@"
"""


@dataclass(frozen=True)
class Gh:
    """Where it lies; `environment` puts it first on PATH."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Installs it, and returns the PATH that has it."""
        self.folder.mkdir(exist_ok=True)
        program = self.folder / "gh"
        program.write_text(
            _PROGRAM.format(python=sys.executable, script=__file__, file=self.file),
            encoding="utf-8",
        )
        program.chmod(0o755)
        return {"PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}"}

    @property
    def file(self) -> Path:
        """Where the pull requests are."""
        return self.folder / "requests.json"

    @property
    def requests(self) -> list[dict[str, str]]:
        """All pull requests, the oldest first."""
        return json.loads(self.file.read_text(encoding="utf-8")) if self.file.exists() else []

    def close(self) -> None:
        """Closes all of them, as a person would in the browser."""
        closed = [{**one, "state": "CLOSED"} for one in self.requests]
        self.file.write_text(json.dumps(closed), encoding="utf-8")


def main(argv: list[str]) -> int:
    """Answers one call as `gh` does."""
    gh = Gh(Path(argv[0]).parent)
    parser = argparse.ArgumentParser()
    for option in ("base", "head", "title", "body-file", "json", "repo"):
        parser.add_argument(f"--{option}")
    parser.add_argument("words", nargs="+")
    asked = parser.parse_args(argv[1:])
    requests = gh.requests
    body = sys.stdin.read() if asked.body_file == "-" else ""
    act, which = asked.words[1], asked.words[2] if len(asked.words) > 2 else asked.head
    mine = [one for one in requests if which in (one["headRefName"], one["url"])]
    if act == "create" and not any(one["state"] == "OPEN" for one in mine):
        url = f"https://github.com/o/r/pull/{len(requests) + 1}"
        facts = {"url": url, "state": "OPEN", "baseRefName": asked.base, "headRefName": which}
        requests.append({**facts, "title": asked.title, "body": body})
        _say(url)
    elif act == "edit" and mine:
        mine[-1].update(title=asked.title, body=body)
        _say(mine[-1]["url"])
    elif act == "view" and mine:
        _say(json.dumps({name: mine[-1][name] for name in asked.json.split(",")}))
    else:
        sys.stderr.write(f"no pull requests found, or one is open already: {which}\n")
        return 1
    gh.file.write_text(json.dumps(requests), encoding="utf-8")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A commit brought to a branch of another repository, as far as that one allows it.

Nothing is ever forced. The user's ways to prove who they are hold; nobody is asked anything.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from parallel_orchestra.frozen import frozen
from parallel_orchestra.git.repo import Repo

#: How the user reaches the other repository: a transport's settings, and no leak of an outer session.
_TRANSPORT = re.compile(
    r"GIT_(?:SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|PROXY_COMMAND|SSL_.*|HTTP_.*|ALLOW_PROTOCOL)"
)
#: What `--porcelain` says of the one branch (git-push(1)).
_REFUSED = re.compile(r"^!\t[^\t]*\t(?P<why>.*)$", re.MULTILINE)
_BEHIND = re.compile(r"\((?:fetch first|non-fast-forward)\)")
_SAID = re.compile(r"^remote: *(?P<words>.*\S) *$", re.MULTILINE)
_LINK = re.compile(r"https?://\S+")
#: Lines of the other side's words that are shown.
_SHOWN = 6


@frozen
class Remote:
    """Where a branch of the user's comes from: the remote, its address, the branch's name there."""

    name: str
    url: str
    branch: str


@frozen
class Pushed:
    """Whether a branch arrived; if not why, and whether it has commits there that we have not.

    `link` is an address that the other side named, as hosts do to open a pull request.
    """

    done: bool
    reason: str = ""
    behind: bool = False
    link: str = ""


def remote_of(repo: Repo, branch: str) -> Remote | None:
    """Returns the remote of a branch's upstream, else `origin`; None if there is neither."""
    name = _setting(repo, f"branch.{branch}.remote")
    upstream = _setting(repo, f"branch.{branch}.merge")
    if name in ("", "."):
        name, upstream = "origin", ""
    url = repo.git.run("remote", "get-url", "--push", "--", name, ok=range(256))
    if url.code != 0:
        return None
    return Remote(name, url.line.splitlines()[0], upstream.removeprefix("refs/heads/") or branch)


def push(
    repo: Repo, remote: Remote, commit: str, branch: str, environ: Mapping[str, str]
) -> Pushed:
    """Makes a branch of a remote point to a commit, if that only moves it forward.

    `environ` is the user's, with what their `ssh` or proxy needs.

    Raises:
        GitError: it did not end in time.
    """
    ways = {name: value for name, value in environ.items() if _TRANSPORT.fullmatch(name)}
    # A question on a terminal that nobody watches would never be answered.
    quiet = {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes"} if _plain_ssh(repo, ways) else {}
    # In the checkout, because a remote may be a path, and that counts from there.
    git = replace(repo.at(repo.top), environ={**repo.environ, **quiet, **ways})
    said = git.run(
        *("push", "--porcelain", "--no-force", "--", remote.name),
        f"{commit}:refs/heads/{branch}",
        ok=range(-64, 256),
    )
    words = [found["words"] for found in _SAID.finditer(said.err)]
    if said.code == 0:
        links = (_LINK.search(line) for line in words)
        return Pushed(done=True, link=next((link[0] for link in links if link), ""))
    refused = _REFUSED.search(said.line)
    if refused is None:
        last = said.err.strip().splitlines()[-_SHOWN:]
        return Pushed(done=False, reason=" ".join(last) or f"exit code {said.code}")
    reason = ": ".join((refused["why"], " ".join(words[-_SHOWN:]))) if words else refused["why"]
    return Pushed(done=False, reason=reason, behind=bool(_BEHIND.search(refused["why"])))


def _plain_ssh(repo: Repo, ways: Mapping[str, str]) -> bool:
    return not ({"GIT_SSH", "GIT_SSH_COMMAND"} & ways.keys() or _setting(repo, "core.sshCommand"))


def _setting(repo: Repo, key: str) -> str:
    return repo.git.run("config", "--get", key, ok=(0, 1)).line

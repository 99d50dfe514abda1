"""Secrets that an agent prints stand nowhere afterwards, and nobody else may read what we wrote."""

import json
import os
import stat
from pathlib import Path

import pytest

from support.scene import Scene

SECRET = 'correct-"horse"-battery'
KEY = "ghp_" + "a1B2" * 9
SAYS = r"""printf '%s\n' "$SHOP_TOKEN" "$KEY"; printf '%s\n' "$SHOP_TOKEN" >&2
printf '{"a":"%s"}\n' 'correct-\u0022horse\u0022-battery'"""
PLAN = f"""---
po_plan_version: "0.2"
name: leaks
context: Be careful.
defaults: {{backend: command, max_retries: 1}}
setup: {{run: ['echo "$SHOP_TOKEN"; echo $KEY']}}
verify: ['echo "$SHOP_TOKEN $KEY"']
backends:
  chatty: {{command: [sh, chatty.sh], result: claude}}
tasks:
  - id: talk
    command: |
      {SAYS.replace(chr(10), chr(10) + "      ")}
      echo "$KEY $SHOP_TOKEN" > "$PO_ATTEMPT.txt"
      test "$PO_ATTEMPT" = 2
    verify: ['echo "$SHOP_TOKEN $KEY"']
    prompt: Talk.
  - id: commit
    depends_on: [talk]
    command: 'cp 2.txt c.txt; git add -A; git commit -qm "I saw $SHOP_TOKEN $KEY" -m "Orchestra-Task: x"'
    prompt: Commit.
  - id: told
    backend: chatty
    depends_on: [talk]
    prompt: Say it.
    read_only: true
  - id: red
    command: 'echo "$SHOP_TOKEN" > r.txt'
    verify: ['echo "$SHOP_TOKEN $KEY"; cat r.txt; false']
    prompt: Fail.
  - id: lack
    command: 'echo "$SHOP_TOKEN" > l.txt'
    expect: [{{command: 'echo "$SHOP_TOKEN"', contains: nothing}}]
    prompt: Lack.
---
"""
CHATTY = r"""cat > /dev/null
echo '{"type":"result","subtype":"success","is_error":false,"num_turns":1,"result":"I saw correct-\u0022horse\u0022-battery and ghp\u005fa1B2a1B2a1B2a1B2a1B2a1B2a1B2a1B2a1B2"}'
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    scene = Scene(tmp_path_factory.mktemp("leaks")).repository({"a.txt": "1", "chatty.sh": CHATTY})
    scene.plan(PLAN)
    environ = {"SHOP_TOKEN": SECRET, "KEY": KEY, "PO_KEEP_WORKTREE": "1"}
    report = ("--report", "../report.md", "--report", "../report.json", "--log-dir", "../logs")
    return scene.run(*report, check=1, env=environ)


def written(folder):
    """Yields all files below a folder but those in work trees of git."""
    for path, folders, names in os.walk(folder):
        if ".git" in names:
            folders.clear()
            continue
        yield path
        yield from (os.path.join(path, name) for name in names)


@pytest.mark.slow
def test_no_file_and_no_line_of_ours_has_a_secret(ran):
    spelled = (SECRET, json.dumps(SECRET)[1:-1], KEY)
    texts = {"out": ran.out, "err": ran.err, "git": ran.git("log", "--format=%B")}
    for folder in (ran.tasks_dir, ran.cache, ran.project.parent / "logs"):
        files = [path for path in written(folder) if os.path.isfile(path)]
        assert files
        texts |= {path: Path(path).read_text(errors="replace") for path in files}
    texts |= {path.name: path.read_text() for path in ran.project.parent.glob("report.*")}

    leaks = {(name, one) for name, text in texts.items() for one in spelled if one in text}

    assert leaks == set()
    assert sum("[masked]" in text for text in texts.values()) > 10


@pytest.mark.slow
def test_the_agents_own_commit_and_files_stay_as_they_are(ran):
    kept = [ref for ref in ran.refs() if "commit" in ref]

    assert any(SECRET in ran.git("log", "--format=%B", "-1", ref) for ref in kept)
    assert ran.files()["2.txt"] == f"{KEY} {SECRET}\n"


@pytest.mark.slow
def test_nobody_else_may_read_what_we_wrote(ran):
    open_to_others = {
        path: oct(mode)
        for folder in (ran.tasks_dir, ran.cache, ran.project.parent / "logs")
        for path in written(folder)
        if path != str(ran.cache)
        and (mode := stat.S_IMODE(os.lstat(path).st_mode)) & 0o077
        and not os.path.islink(path)
    }

    assert open_to_others == {}

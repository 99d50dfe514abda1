"""Agents that set traps in the repository they share with us: what is held, told, and left alone."""

import pytest

from support.effort import by_effort, rare
from support.misbehaviour import between_good_ones
from support.storm import check_tidy
from support.waiting import wait_until

pytestmark = pytest.mark.slow

#: Leaves a mark in the folder outside if git runs it.
TRAP = "touch $OUTSIDE/sprung; cat"
DRIVERS = {
    "filter": f'git config filter.x.clean "{TRAP}"; git config filter.x.smudge "{TRAP}"; '
    'echo "* filter=x" > .gitattributes',
    "merge-driver": f'git config merge.x.driver "{TRAP}"; echo "* merge=x" > .gitattributes',
    "default-merge-driver": f'git config merge.x.driver "{TRAP}"; git config merge.default x',
    "textconv": f'git config diff.x.textconv "{TRAP}"; echo "* diff=x" > .gitattributes',
    "external-diff": f'git config diff.external "{TRAP}"',
    "include": "git config include.path $OUTSIDE/more",
    "attributes": 'mkdir -p "$(git rev-parse --git-common-dir)/info"; '
    'echo "* merge=ours" > "$(git rev-parse --git-common-dir)/info/attributes"',
    "bare": "git config core.bare true",
    "core-worktree": "git config core.worktree $OUTSIDE",
    "global": f'git config --global filter.x.clean "{TRAP}"',
    "garbage": 'echo "[[[" >> "$(git rev-parse --git-common-dir)/config"',
}
TRIED = by_effort(["filter"], list(DRIVERS), list(DRIVERS))


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


@pytest.fixture
def env(tmp_path, outside):
    """What the scene's commands and agents get; a `git config --global` stays in the scene."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = A\n\temail = a@example.invalid\n")
    return {
        "OUTSIDE": str(outside),
        "HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
    }


@pytest.mark.storm
@pytest.mark.parametrize("driver", TRIED)
def test_a_driver_that_an_agent_configures_holds_the_run_and_is_never_run(
    tmp_path, outside, env, driver
):
    scene = between_good_ones(tmp_path, f"echo > bad.txt; {DRIVERS[driver]}")

    result = scene.run(env=env, check=4)

    assert "git's configuration was changed while the run went on" in result.err
    assert "--resume" in result.err
    assert scene.states() == {"good": "done", "bad": "available", "next": "available"}
    assert not (outside / "sprung").exists()


def test_a_held_run_goes_on_when_the_setting_is_taken_out_and_loses_no_work(tmp_path, outside, env):
    scene = between_good_ones(
        tmp_path, f"echo $PO_ATTEMPT > bad.txt; test $PO_ATTEMPT = 2 || {{ {DRIVERS['filter']}; }}"
    )
    result = scene.run(env=env, check=4)
    assert "git config --unset-all filter.x.clean" in result.err

    scene.git("config", "--unset-all", "filter.x.clean")
    scene.git("config", "--unset-all", "filter.x.smudge")
    scene.run("--resume", env=env, check=0)

    assert scene.merges() == {"good": 1, "bad": 1, "next": 1}
    (kept,) = [ref for ref in scene.refs() if "/salvage/bad/" in ref]
    assert scene.files(kept)["bad.txt"] == "1\n"
    assert not (outside / "sprung").exists()
    check_tidy(scene)


@rare
def test_a_setting_is_accepted_by_going_on_but_only_after_it_was_asked(tmp_path, outside, env):
    """A run that was killed right after the deed was not asked yet: its `--resume` asks first."""
    wait = "touch $OUTSIDE/set; sleep 600"
    scene = between_good_ones(
        tmp_path,
        f'test $PO_ATTEMPT != 1 || {{ git config filter.x.clean "{TRAP}"; {wait}; }}; echo > b',
    )
    with scene.start(env=env) as running:
        wait_until((outside / "set").exists, within=30)
        running.kill_tree(whole_group=True)
    scene.wait_for_silence()

    asked = scene.run("--resume", env=env)
    accepted = scene.run("--resume", env=env)

    assert (asked.exit_code, accepted.exit_code) == (4, 0), asked
    assert "filter.x.clean" in asked.err
    assert scene.merges() == {"good": 1, "bad": 1, "next": 1}


def test_what_runs_in_the_users_git_only_is_told_and_not_run(tmp_path, outside, env):
    hooks = '"$(git rev-parse --git-common-dir)/hooks"'
    scene = between_good_ones(
        tmp_path,
        f"mkdir -p {hooks}; for h in pre-commit reference-transaction post-checkout post-merge "
        f'post-index-change; do printf "#!/bin/sh\\n{TRAP}" > {hooks}/$h; chmod +x {hooks}/$h; done; '
        'git config core.fsmonitor "$OUTSIDE/fs"; git config alias.co "!true"; rm -f $OUTSIDE/sprung; '
        "echo > bad.txt",
    )

    result = scene.run("-j", "1", env={**env, "GIT_OPTIONAL_LOCKS": "0"}, check=0)

    assert scene.merges() == {"good": 1, "bad": 1, "next": 1}
    for name in ("`hook pre-commit`", "`hook post-merge`", "core.fsmonitor", "alias.co"):
        assert f"git was set up to run a program while the run went on: {name}" in result.err
    config = (scene.project / ".git" / "config").read_text()
    assert "fsmonitor" in config, "nothing is put back unasked"


@rare
def test_a_driver_of_the_users_own_goes_on_to_work(tmp_path, outside, env):
    command = 'echo "*.low filter=up" >> .gitattributes; echo x > b.up; echo y > c.low'
    scene = between_good_ones(tmp_path, command, {".gitattributes": "*.up filter=up\n"})
    scene.git("config", "filter.up.clean", "tr a-z A-Z")

    scene.run(env=env, check=0)

    assert (scene.files()["b.up"], scene.files()["c.low"]) == ("X\n", "Y\n")


@pytest.mark.parametrize(
    "end", [*by_effort(["exit 1"], ["exit 1"], ["exit 1"]), *by_effort([], ["true"], ["true"])]
)
def test_the_users_branch_moved_by_an_agent_is_neither_believed_nor_put_back(tmp_path, env, end):
    command = "echo > bad.txt; git add -A; git commit -qm bad; git update-ref refs/heads/main HEAD"
    scene = between_good_ones(tmp_path, f"{command}; {end}")
    base = scene.git("rev-parse", "HEAD").strip()

    result = scene.run(env=env, check=4)

    moved = scene.git("rev-parse", "main").strip()
    assert moved != base
    back = f"git update-ref refs/heads/main {base} && git merge orchestra/agents"
    assert "`main` was moved to" in result.out
    assert back in result.out
    for command in back.split(" && "):
        scene.git(*command.split()[1:])
    assert "next.txt" in scene.names("main")
    check_tidy(scene)


@rare
def test_a_branch_that_is_checked_out_nowhere_is_not_taken_with_unmerged_work(tmp_path, env):
    command = "echo > bad.txt; git add -A; git commit -qm bad; git update-ref refs/heads/main HEAD; exit 1"
    scene = between_good_ones(tmp_path, command)
    scene.git("switch", "--quiet", "--create", "elsewhere")

    result = scene.run("--base", "main", env=env, check=4)

    assert "`main` was moved to" in result.out
    assert "bad.txt" not in scene.names("orchestra/agents")


def test_an_agent_that_moves_the_integration_branch_stops_the_run(tmp_path, env):
    forged = (
        "git checkout -q --detach orchestra/agents; echo > forged.txt; git add -A; "
        'git commit -q -m "Merge" -m "Orchestra-Task: $PO_RUN/next\n'
        "Orchestra-Generation: 1\nOrchestra-Attempt: 1\nOrchestra-Worker: $PO_OWNER\n"
        'Orchestra-Plan: 0"; git update-ref refs/heads/orchestra/agents HEAD'
    )
    (tmp_path / "forge.sh").write_text(forged)
    scene = between_good_ones(tmp_path, f". {tmp_path}/forge.sh")

    result = scene.run(env=env, check=4)

    assert "was changed from outside: it has a commit that no worker wrote" in result.err
    assert "forged.txt" not in scene.names("main")
    back = result.err.partition("put it back with `git ")[2].partition("`")[0]
    scene.git(*back.split())
    (tmp_path / "forge.sh").write_text("echo > bad.txt")
    scene.run("--resume", env=env, check=0)
    assert scene.merges() == {"good": 1, "bad": 1, "next": 1}
    check_tidy(scene)


@rare
def test_a_merge_of_ours_that_an_agent_copies_is_not_taken_for_one(tmp_path, env):
    copy = (
        "git checkout -q --detach HEAD~1; git cherry-pick -m 1 orchestra/agents; "
        "git checkout -q --detach orchestra/agents; git commit -q --allow-empty -C orchestra/agents; "
        "git update-ref refs/heads/orchestra/agents HEAD; exit 1"
    )
    scene = between_good_ones(tmp_path, copy)

    result = scene.run(env=env, check=4)

    assert "it has a commit that no worker wrote" in result.err


def test_an_agent_that_deletes_the_fences_of_others_costs_them_an_attempt(tmp_path, outside, env):
    ref = "refs/orchestra/$PO_RUN/claim/next"
    wipe = (
        "while ! test -f $OUTSIDE/begun; do sleep 0.02; done; "
        f"git update-ref -d {ref}; touch $OUTSIDE/wiped; echo > bad.txt"
    )
    scene = between_good_ones(tmp_path, wipe)
    text = scene.plan_path().read_text().replace("max_workers: 1", "max_workers: 2")
    victim = (
        "touch $OUTSIDE/begun; while ! test -f $OUTSIDE/wiped; do sleep 0.02; done; echo > next.txt"
    )
    text = text.replace("echo > next.txt; git status", victim)
    scene.write_plan(text)

    result = scene.run("-j", "2", env=env, check=0)

    assert "next: attempt 1 lost its claim; its work is kept" in result.out
    assert scene.merges() == {"good": 1, "bad": 1, "next": 1}
    check_tidy(scene)


@rare
def test_an_agent_that_prunes_loses_nobodys_merge(tmp_path, env):
    scene = between_good_ones(
        tmp_path, "echo > bad.txt; git add -A; git commit -qm gc; git gc --quiet --prune=now"
    )

    scene.run(env=env, check=0)

    assert scene.merges() == {"good": 1, "bad": 1, "next": 1}
    check_tidy(scene)


def test_what_an_agent_does_to_the_checkout_and_to_refs_is_told(tmp_path, outside, env):
    deeds = (
        "echo > $PROJECT/planted.txt; echo more >> $PROJECT/a.txt; git tag -d v1; "
        "git replace HEAD HEAD~1; git stash clear; git branch -D old; echo > bad.txt"
    )
    scene = between_good_ones(tmp_path, deeds)
    # it is the first, so that no other attempt's end lets anybody look in the middle of its deeds
    scene.write_plan(scene.plan_path().read_text().replace("id: bad,", "id: bad, priority: 99,"))
    scene.git("tag", "v1")
    scene.git("branch", "old")
    (scene.project / "a.txt").write_text("stashed\n")
    scene.git("stash")
    stash = scene.git("rev-parse", "refs/stash").strip()

    result = scene.run(env={**env, "PROJECT": str(scene.project)}, check=0)

    warnings = [line for line in result.out.splitlines() if line.startswith("warning")]
    said = "\n".join(warnings)
    assert "the checkout changed while only this task was at work: a.txt, planted.txt" in said
    assert "`refs/tags/v1` was deleted" in said
    assert "`refs/heads/old` was deleted" in said
    assert f"`git update-ref refs/stash {stash}` brings it back" in said
    assert "git shows you another commit" in said
    assert (scene.project / "a.txt").read_text() == "a\nmore\n"

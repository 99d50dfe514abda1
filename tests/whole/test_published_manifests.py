"""Manifests of the published tool give the results that its README promises."""

import hashlib
import json
import stat

import pytest

from support.published import make_claude, manifest, read_task, write_task
from support.repository import commit_files, fsck_clean
from support.scene import Scene

pytestmark = pytest.mark.slow

CLAUDE_FOLDER = {
    ".claude/agents/dev.md": "you write\n",
    ".claude/skills/tdd/SKILL.md": "how\n",
    ".claude/settings.local.json": "{}\n",
    ".claude/CLAUDE.md": "rules\n",
    ".claude/reports/plan-report-1.md": "plan\n",
    ".claude/reports/test-report-1.md": "old\n",
    ".claude/logs/old-stdout.log": "old\n",
    ".claude/memory/notes.md": "old\n",
}
SECRETS = {"ANTHROPIC_API_KEY": "sk-0123456789", "GITHUB_TOKEN": "ghp-9876543210"}
FAILED = '{"status": "FAILED", "cycles": "three", "reason": "tests are red", "report": "r.md"}'

EVERYTHING = manifest(
    write_task(
        "lay", 'echo "$COLOUR" > lay.txt', env={"COLOUR": "red"}, writes=["project/lay.txt"]
    ),
    write_task("dash", "- fix this\necho dash > dash.txt"),
    write_task("build", "cat lay.txt dash.txt > built.txt", depends_on=["lay", "dash"]),
    read_task("review", "cat built.txt", depends_on=["build"], concurrency_group="api"),
    {"id": "default", "agent": "tester", "read_only": True},
    read_task("nobody", "true", agent=""),
    write_task("large", "echo large > large.txt\n" + "#" * 200_000),
    write_task("idle", "true"),
    write_task("leak", 'echo "$ANTHROPIC_API_KEY"; echo "$GITHUB_TOKEN" >&2'),
    write_task("late", 'echo out; echo err >&2; [ "$PO_ATTEMPT" = 2 ] && echo late > late.txt'),
    write_task("red", f"echo red > red.txt; echo; echo '{FAILED}'", max_retries=0),
    write_task("usage", "exit 2", max_retries=5),
    read_task("after", "true", depends_on=["red"]),
    read_task("last", "true", depends_on=["after"]),
    defaults={"max_retries": 1},
    concurrency_limits={"api": 1},
)


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """Returns one run of a manifest that has all there is, in a project that makes it hard.

    Its commits are refused by a hook, git knows nobody, and `.claude/` is neither committed nor
    ignored.
    """
    folder = tmp_path_factory.mktemp("everything")
    scene = Scene(folder).repository(3).plan(EVERYTHING)
    claude = make_claude(folder)
    hook = scene.project / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    for name, text in CLAUDE_FOLDER.items():
        path = scene.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    nobody = {"HOME": str(folder / "home"), "GIT_CONFIG_GLOBAL": "/dev/null"}

    result = scene.run(
        "--claude-exe", str(claude.program), "--report", "../r.json", "--report", "../r.markdown",
        env=claude.env(**SECRETS, **nobody),
    )  # fmt: skip

    return result, claude


def reported(result):
    found = json.loads((result.project.parent / "r.json").read_text())
    return found, {task["id"]: task for task in found["tasks"]}


def test_a_failed_task_is_exit_code_1_and_the_others_are_merged(everything):
    result, _ = everything

    assert result.exit_code == 1
    assert result.names() >= {"lay.txt", "dash.txt", "built.txt", "large.txt", "late.txt"}
    assert "red.txt" not in result.names()
    assert max(result.merges().values()) == 1
    assert fsck_clean(result.project)
    assert result.worktrees() == []


def test_the_report_has_the_published_keys(everything):
    found, tasks = reported(everything[0])

    keys = "manifest started_at finished_at duration_sec total succeeded failed skipped tasks"
    assert set(keys.split()) <= found.keys()
    assert (found["total"], found["succeeded"], found["failed"], found["skipped"]) == (14, 10, 2, 2)
    keys = "id agent status duration_sec retry_count failure_category"
    assert all(set(keys.split()) <= task.keys() for task in tasks.values())
    facts = {name: (task["status"], task["retry_count"]) for name, task in tasks.items()}
    assert facts["late"] == ("succeeded", 1)
    assert facts["red"] == ("failed", 0)
    assert facts["usage"] == ("failed", 0)
    assert facts["after"] == facts["last"] == ("skipped", 0)
    assert tasks["usage"]["failure_category"] == "permanent"
    assert tasks["lay"]["failure_category"] == "none"
    assert (everything[0].project.parent / "r.markdown").read_text().startswith("# m: ")


def test_a_last_line_that_says_failed_is_a_failure_with_its_reason(everything):
    _, tasks = reported(everything[0])

    assert tasks["red"]["reason"] == "tests are red"


def test_tasks_see_the_work_of_those_they_depend_on(everything):
    result, claude = everything

    assert result.files()["built.txt"] == "red\ndash\n"
    assert "built.txt" in claude.said("review", "files").split()


def test_agents_get_their_prompt_byte_for_byte_on_stdin(everything):
    _, claude = everything

    assert claude.said("dash", "prompt") == "- fix this\necho dash > dash.txt"
    assert claude.said("default", "prompt") == "/agent-tester"
    assert len(claude.said("large", "prompt")) > 200_000
    assert "fix" not in claude.said("dash", "args")


def test_write_agents_may_do_everything_and_read_only_ones_nothing(everything):
    _, claude = everything
    may = "--dangerously-skip-permissions"

    assert claude.said("dash", "args").endswith(f"{may} --agent dev\n")
    assert may not in claude.said("review", "args")
    # real Claude Code has no such option
    assert "--read-only" not in claude.said("review", "args")
    assert "--agent" not in claude.said("nobody", "args")
    assert (claude.said("dash", "guard"), claude.said("review", "guard")) == ("1\n", "\n")


def test_the_projects_claude_folder_is_there_for_agents_and_never_committed(everything):
    result, claude = everything
    wanted = {"agents/dev.md", "skills/tdd/SKILL.md", "settings.local.json"}

    seen = {name.removeprefix("./") for name in claude.said("dash", "claude").split()}

    assert seen >= wanted | {"reports/plan-report-1.md"}
    assert not any(name.startswith(("logs/", "memory/", "reports/test")) for name in seen)
    assert not any(name.startswith(".claude") for name in result.names())
    assert all((result.project / name).read_text() == text for name, text in CLAUDE_FOLDER.items())


def test_each_task_has_its_two_logs_and_retries_stand_below(everything):
    result, _ = everything
    logs = result.project / ".claude" / "logs"
    ran = {"lay", "dash", "build", "review", "default", "nobody", "large", "idle", "leak", "late"}
    ran |= {"red", "usage"}

    names = {path.name for path in logs.iterdir()} - {"old-stdout.log"}

    assert names == {f"{task}-{stream}.log" for task in ran for stream in ("stdout", "stderr")}
    again = "\n===== retry attempt 1 =====\n"
    assert (logs / "late-stdout.log").read_text() == f"out\n{again}out\n"
    assert (logs / "late-stderr.log").read_text() == f"err\n{again}err\n"
    assert {stat.S_IMODE((logs / name).stat().st_mode) for name in names} == {0o600}


def test_no_secret_stands_in_a_log(everything):
    result, _ = everything
    logs = [*(result.project / ".claude/logs").iterdir(), *result.tasks_dir.rglob("*.log")]

    leaked = [log for log in logs for value in SECRETS.values() if value in log.read_text()]

    assert leaked == []
    assert (result.project / ".claude/logs/leak-stdout.log").read_text() == "[masked]\n"


def test_the_users_git_configuration_stays_as_it_was(everything):
    result, _ = everything

    keys = result.git("config", "--local", "--list", "--name-only").split()

    assert "core.autocrlf" not in keys


@pytest.fixture
def claude(tmp_path):
    return make_claude(tmp_path)


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository(3)


def start_together(me, other):
    return f"touch $CALLS/{me}.up; until [ -e $CALLS/{other}.up ]; do sleep 0.02; done; echo > {me}"


def test_two_tasks_run_at_once(scene, claude):
    # as in the published README's own example; alone, neither would end
    tasks = [write_task("a", start_together("a", "b")), write_task("b", start_together("b", "a"))]
    scene.plan(manifest(*tasks))

    scene.run("--claude-exe", str(claude.program), env=claude.env(), check=0)

    assert scene.merges() == {"a": 1, "b": 1}
    assert scene.dirty() == []


def test_a_rate_limit_is_tried_again_after_a_second_and_then_fails(scene, claude):
    scene.plan(manifest(read_task("a", "echo rate limit exceeded >&2; exit 1")))

    result = scene.run("--claude-exe", str(claude.program), env=claude.env(), check=1)

    assert "a  failed  attempt 2  rate_limited" in result.err


def test_dry_run_starts_nothing_and_changes_nothing(scene, claude):
    scene.plan(manifest(write_task("a", "true"), write_task("b", "true", depends_on=["a"])))

    result = scene.run("--dry-run", "--claude-exe", str(claude.program), check=0)

    assert claude.called() == set()
    assert not scene.tasks_dir.exists()
    assert not (scene.project / ".claude").exists()
    assert "timeout 15 min" in result.out
    assert "after a" in result.out


def test_quiet_says_only_what_failed(scene, claude):
    scene.plan(manifest(read_task("good", "true"), read_task("bad", "exit 2")))

    result = scene.run("--quiet", "--claude-exe", str(claude.program), env=claude.env(), check=1)

    assert "bad  failed" in result.err
    assert "good" not in result.err


@pytest.mark.parametrize(
    ("options", "folder"), [(["--no-log"], None), (["--log-dir", "../logs"], "../logs")]
)
def test_logs_go_where_the_options_say(scene, claude, options, folder):
    scene.plan(manifest(read_task("a", "echo hello")))

    scene.run(*options, "--claude-exe", str(claude.program), env=claude.env(), check=0)

    assert not (scene.project / ".claude").exists()
    if folder:
        assert (scene.project / folder / "a-stdout.log").read_text() == "hello\n"


def test_worktrees_of_all_attempts_are_kept_on_request(scene, claude):
    scene.plan(
        manifest(
            write_task("bad", "echo half > half.txt; exit 2"),
            write_task("good", "echo good > good.txt"),
            write_task("more", "echo more > more.txt", depends_on=["good"]),
        )
    )
    env = claude.env(PO_KEEP_WORKTREE="1")

    result = scene.run("--max-workers", "1", "--claude-exe", str(claude.program), env=env, check=1)

    (kept,) = (path for path in scene.worktrees() if (path / "half.txt").exists())
    assert len(scene.worktrees()) == 3
    assert f"works in {kept}: kept" in result.err


def state_file(scene, text, completed):
    digest = hashlib.sha256(text.encode()).hexdigest()
    state = {"manifest_hash": digest, "completed_tasks": completed}
    (scene.project.parent / ".po-run-state-plan.json").write_text(json.dumps(state))


def test_resume_goes_on_where_the_published_tool_stopped(scene, claude):
    text = manifest(
        write_task("done", "echo again > done.txt"),
        write_task("unmerged", "echo again > unmerged.txt"),
        read_task("seen", "true"),
        write_task("next", "cat done.txt > next.txt", depends_on=["done", "seen"]),
    )
    scene.plan(text)
    state_file(scene, text, ["done", "unmerged", "seen"])
    commit_files(scene.project, {"done.txt": "by the published tool\n"})
    scene.git("branch", "parallel-orchestra/done-01234567")
    scene.git("switch", "--quiet", "--create", "parallel-orchestra/unmerged-89abcdef")
    commit_files(scene.project, {"unmerged.txt": "lost\n"})
    scene.git("switch", "--quiet", "main")

    result = scene.run(
        "--resume", "--claude-exe", str(claude.program), "--report", "../r.json",
        env=claude.env(), check=0,
    )  # fmt: skip

    assert claude.called() == {"unmerged", "next"}
    assert scene.files()["next.txt"] == "by the published tool\n"
    _, tasks = reported(result)
    assert [tasks[name]["status"] for name in ("done", "seen")] == ["resumed", "resumed"]
    assert "never merged its branch `parallel-orchestra/unmerged-89abcdef`" in result.err
    assert scene.run("--resume", "--claude-exe", str(claude.program), check=0)
    assert claude.called() == {"unmerged", "next"}


def test_without_resume_the_state_file_means_nothing(scene, claude):
    text = manifest(write_task("a", "echo > a.txt"))
    scene.plan(text)
    state_file(scene, text, ["a"])

    scene.run("--claude-exe", str(claude.program), env=claude.env(), check=0)

    assert claude.called() == {"a"}


def test_what_agents_write_below_the_claude_folder_is_work_unless_it_was_a_copy(scene, claude):
    commit_files(scene.project, {".claude/CLAUDE.md": "rules\n"})
    (scene.project / ".claude/settings.local.json").write_text("mine\n")
    write = "; ".join(
        f"mkdir -p .claude/reports; echo theirs > .claude/{name}"
        for name in ("CLAUDE.md", "settings.local.json", "reports/test-report-1.md")
    )
    scene.plan(manifest(write_task("a", write)))

    scene.run("--claude-exe", str(claude.program), env=claude.env(), check=0)

    committed = scene.files()
    assert committed[".claude/CLAUDE.md"] == committed[".claude/reports/test-report-1.md"]
    assert ".claude/settings.local.json" not in committed
    assert (scene.project / ".claude/settings.local.json").read_text() == "mine\n"


def test_a_group_lets_no_more_tasks_run_than_its_limit_and_holds_up_no_others(scene, claude):
    # The first of them ends when the free one was called.
    called = "until [ -e $CALLS/free.args ]; do sleep 0.02; done"
    alone = f"mkdir $CALLS/busy || exit 2; {called}; sleep 0.2; rmdir $CALLS/busy"
    group = [read_task(f"g{n}", alone, concurrency_group="api") for n in range(3)]
    free = read_task("free", "[ -e $CALLS/g2.args ] && exit 2; true")
    scene.plan(manifest(*group, free, concurrency_limits={"api": 1}))

    scene.run("--max-workers", "2", "--claude-exe", str(claude.program), env=claude.env(), check=0)

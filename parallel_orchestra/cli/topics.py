"""`help`: a command's own help, or a topic that is no command."""

import difflib
import json
from collections.abc import Callable, Iterable, Iterator

import click
from click.shell_completion import CompletionItem

from parallel_orchestra.cli.catalogue import COMMANDS, PROGRAM, overview
from parallel_orchestra.cli.failures import usage
from parallel_orchestra.cli.watch.state import KEYS
from parallel_orchestra.errors import ExitCode, UsageError
from parallel_orchestra.plan import SCHEMA_FILE
from parallel_orchestra.store.layout import README

#: What each exit code says; `docs/reference/exit-codes.md` says it at length.
EXIT_CODES = {
    ExitCode.DONE: "all done, and delivered as the plan says",
    ExitCode.TASK_FAILED: "a task failed; all others went on",
    ExitCode.USAGE: "the plan or the command line is wrong; nothing was changed",
    ExitCode.ENVIRONMENT: "something around the run is missing or broken, or a mistake of ours",
    ExitCode.WAITS_FOR_PERSON: "it waits for you: a conflict, a budget, a usage limit, a delivery",
    ExitCode.HELD_ELSEWHERE: "another run holds the task directory",
    ExitCode.UNFINISHED: "not all is done yet (`status`), or a run was stopped",
    ExitCode.INTERRUPTED: "Ctrl-C",
    ExitCode.TERMINATED: "SIGTERM or SIGHUP",
}
#: What each variable of the environment does.
VARIABLES = {
    "PO_WORKTREE_ROOT": "where worktrees are made, unless `--worktree-root` says so",
    "PO_KEEP_WORKTREE": "`1` leaves the worktrees behind",
    "PO_START_GAP": "seconds between the starts of two agents of one backend",
    "PO_TRACEBACK": "`1` shows the traceback of an internal error",
    "NO_COLOR": "no colours (https://no-color.org); it beats FORCE_COLOR",
    "FORCE_COLOR": "colours also in a pipe or a file; `0` for none (https://force-color.org)",
    "CI": "no live picture, unless `--progress live` asks for it",
    "TERM": "with `dumb` there is no live picture and there are no colours",
}


def _topics(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    del context
    names = [*TOPICS, *(entry.name for entry in COMMANDS)]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command("help", short_help="explain a command or another topic")
@click.argument("topic", required=False, default="", shell_complete=_topics)
@click.pass_context
def command(context: click.Context, topic: str) -> int:
    """Explain TOPIC: a command, or one of `plan`, `exit-codes`, `variables`, `keys`, `tasks-directory`.

    Without a TOPIC, the commands.
    """
    if not topic:
        click.echo(overview(), nl=False)
    elif topic in TOPICS:
        click.echo("\n".join(TOPICS[topic]()))
    else:
        click.echo(_help_of(context, topic))
    return ExitCode.DONE


def _help_of(context: click.Context, topic: str) -> str:
    group = context.parent
    found = None
    if group is not None and isinstance(group.command, click.Group):
        found = group.command.get_command(group, topic)
    if found is None:
        hint = _guess(topic, TOPICS) or f"topics: {', '.join(TOPICS)}"
        raise usage(f"there is no topic `{topic}`", hint)
    return found.get_help(click.Context(found, info_name=f"{PROGRAM} {topic}", parent=None))


def unknown_command(word: str) -> UsageError:
    """Returns the error for a word that stands where a command should, with a guess."""
    return usage(f"there is no command `{word}`", _guess(word) or f"see `{PROGRAM} --help`")


def _guess(word: str, topics: Iterable[str] = ()) -> str:
    names = [*topics, *(entry.name for entry in COMMANDS)]
    near = difflib.get_close_matches(word.lower(), names, 1)
    return f"did you mean `{near[0]}`?" if near else ""


def _plan() -> Iterator[str]:
    known = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))["$defs"]
    for title, part in (("The plan", "Plan"), ("A task", "TaskFields")):
        fields = known[part]["properties"].items()
        yield f"{title}:"
        yield from _listed({name: _first(one.get("description", "")) for name, one in fields})
        yield ""
    yield "Check one with `parallel-orchestra validate PLAN`; begin with `parallel-orchestra init`."


def _first(text: str) -> str:
    """Returns the first sentence of a description, as far as one line has room for it."""
    sentence = text.partition(". ")[0].rstrip(".")
    return sentence if len(sentence) <= 90 else sentence[:86].rstrip() + " ..."


def _listed(rows: dict[str, str]) -> Iterator[str]:
    width = max(map(len, rows), default=0)
    yield from (f"  {name:<{width}}  {what}".rstrip() for name, what in rows.items())


TOPICS: dict[str, Callable[[], Iterator[str]]] = {
    "plan": _plan,
    "exit-codes": lambda: _listed({str(int(code)): what for code, what in EXIT_CODES.items()}),
    "variables": lambda: _listed(VARIABLES),
    "keys": lambda: _listed(KEYS),
    "tasks-directory": lambda: iter(README.rstrip("\n").splitlines()),
}

"""All commands, as data: what they are called, where they are, what they do in one line.

Whatever lists them (the help page, the lazy group, the reference) reads this table. Imports
nothing, so that `--help` is there at once.
"""

PROGRAM = "parallel-orchestra"
#: The variable by which a shell asks click what completes a line.
COMPLETING = "_PARALLEL_ORCHESTRA_COMPLETE"


# Neither a dataclass nor a named tuple: their modules alone take as long as Python itself.
class Entry:
    """A command: `place` is `module:attribute` in this folder, loaded when it is called."""

    __slots__ = ("name", "place", "summary")

    def __init__(self, name: str, place: str, summary: str) -> None:
        """Takes the three as they stand in the table."""
        self.name, self.place, self.summary = name, place, summary


#: In the order of the help page.
COMMANDS = (
    Entry("init", "init:command", "write a first plan, or the skeleton of a `cpo` folder"),
    Entry("run", "run:command", "carry out a plan"),
    Entry("validate", "validate:command", "say everything that is wrong with a plan"),
    Entry(
        "import", "importing:command", "make a plan of a checklist, a `cpo` folder or an old run"
    ),
    Entry("graph", "graph:command", "draw what waits for what in a plan"),
    Entry("schema", "schema:command", "print the JSON Schema of a plan"),
    Entry("demo", "demo:command", "build a small example project, to see it work"),
    Entry("status", "status:command", "say how a run stands"),
    Entry("watch", "watch.command:command", "watch a run from another terminal"),
    Entry("timeline", "timeline:command", "draw which worker was at which task when"),
    Entry("runs", "runs:command", "list the runs of a project, the past ones too"),
    Entry("logs", "logs:command", "show what tasks' agents did and said"),
    Entry("show-prompt", "show_prompt:command", "print what a task's agent is told"),
    Entry("report", "reporting:command", "tell how a run went, as a page or for programs"),
    Entry("open", "open:command", "open what a task left, or its agent's session"),
    Entry("why", "why:command", "say why a task is where it is, and what to do"),
    Entry("locks", "locks:command", "list who holds which task"),
    Entry("retry", "byhand:retry", "put failed or finished tasks back, to be done again"),
    Entry("unlock", "byhand:unlock", "take a task from a worker that holds it"),
    Entry("recover", "byhand:recover", "free what the dead hold, and mend what was left half-done"),
    Entry("claim", "claim:claim", "take a task, to do it yourself"),
    Entry("heartbeat", "claim:heartbeat", "keep a task that you claimed for another 30 minutes"),
    Entry("complete", "finish:complete", "verify and merge what you made of a task"),
    Entry("fail", "finish:fail", "say that a task that you claimed can't be done"),
    Entry("release", "finish:release", "give a task that you claimed back"),
    Entry("pause", "steer:pause", "let a run start no more tasks"),
    Entry("resume-run", "steer:resume_run", "let a paused run go on"),
    Entry("stop", "steer:stop", "let a run end before its time"),
    Entry("cancel", "steer:cancel", "end a task that is not wanted any more"),
    Entry("add", "add:command", "add a task to a run"),
    Entry("merge", "merge:command", "merge what a failed task left, once it is resolved"),
    Entry("undo", "undo:command", "take a task's merged work back"),
    Entry("deliver", "deliver:command", "bring what was merged to your branch"),
    Entry(
        "integrate", "integrate:command", "check what came together: tests, contracts, boundaries"
    ),
    Entry("clean", "clean:command", "say what old runs left, and remove it"),
    Entry("doctor", "doctor:command", "say what is wrong with the surroundings or a run"),
    Entry("worker", "worker:command", "join a run from another terminal"),
    Entry("completion", "completion:command", "print what completes command lines in your shell"),
    Entry("help", "topics:command", "explain a command or another topic"),
)

#: Under which heading of the help page they stand; what is in none, under the last.
GROUPS = (
    ("Make a plan", "init validate import graph schema show-prompt demo"),
    ("Carry it out", "run worker pause resume-run stop cancel add"),
    ("See how it goes", "status watch timeline logs why locks report runs"),
    ("Mend what failed", "retry merge open undo unlock recover"),
    ("Do a task yourself", "claim heartbeat complete fail release"),
    ("Bring it home", "deliver integrate clean"),
    ("Help", "doctor completion help"),
)

#: One command line for each command, as the end of its own help shows it.
EXAMPLES = {
    "init": "init",
    "run": "run plan.md -j 4 --report report.md",
    "validate": "validate plan.md --format github",
    "import": "import TODO.md",
    "graph": "graph plan.md",
    "schema": "schema > plan.schema.json",
    "demo": "demo calc",
    "status": "status --json",
    "watch": "watch",
    "timeline": "timeline",
    "runs": "runs --json",
    "logs": "logs api -f",
    "show-prompt": "show-prompt api --plan plan.md",
    "report": "report --output report.html",
    "open": "open api --session",
    "why": "why api",
    "locks": "locks --stale",
    "retry": "retry api",
    "unlock": "unlock api --force",
    "recover": "recover",
    "claim": "claim api",
    "heartbeat": "heartbeat api",
    "complete": "complete api",
    "fail": "fail api --reason 'needs a key'",
    "release": "release api",
    "pause": "pause --reason 'a release is being cut'",
    "resume-run": "resume-run",
    "stop": "stop --now",
    "cancel": "cancel api --reason 'done elsewhere'",
    "add": "add changelog.md",
    "merge": "merge api",
    "undo": "undo api",
    "deliver": "deliver",
    "integrate": "integrate",
    "clean": "clean --yes",
    "doctor": "doctor",
    "worker": "worker -j 2",
    "completion": 'eval "$(parallel-orchestra completion bash)"',
    "help": "help exit-codes",
}

_USAGE = f"""\
Usage: {PROGRAM} COMMAND [OPTIONS]

Carries out one Markdown plan with many coding agents at once, each in a git
worktree of its own, and merges what they made into one branch.
"""

_OPTIONS = f"""\
Options:
  --version   print the version
  -h, --help  print this page, or with a command: `{PROGRAM} COMMAND --help`

Exit codes: 0 all done, 1 a task failed, 2 plan or usage error, 3 environment
error, 4 waits for you, 5 another run holds the directory, 6 unfinished
(status), 130 and 143 stopped by a signal.
"""


def overview() -> str:
    """Returns the help page of the whole program."""
    width = max(len(entry.name) for entry in COMMANDS)
    named = {entry.name: entry for entry in COMMANDS}
    parts = [
        (title, [named.pop(name) for name in names.split() if name in named])
        for title, names in GROUPS
    ]
    parts[-1][1].extend(named.values())
    listed = "\n".join(
        f"{title}:\n" + "".join(f"  {one.name:<{width}}  {one.summary}\n" for one in entries)
        for title, entries in parts
    )
    return f"{_USAGE}\n{listed}\n{_OPTIONS}"


def example(name: str) -> str:
    """Returns a command line that shows how a command is called; empty if there is none."""
    words = EXAMPLES.get(name, "")
    return words if not words or PROGRAM in words else f"{PROGRAM} {words}"

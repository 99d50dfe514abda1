"""Errors become words and an exit code: what, where, how to mend.

The only place that does so. What we did not foresee is a mistake of ours: one line for the
user, the traceback into a file that the line names.
"""

import errno
import os
import shutil
import sys
from collections.abc import Mapping

import click

from parallel_orchestra import __version__
from parallel_orchestra.cli.catalogue import PROGRAM
from parallel_orchestra.cli.ink import Piece, plain_text, wrapped
from parallel_orchestra.cli.tints import colored
from parallel_orchestra.errors import ExitCode, OrchestraError, Problem, UsageError
from parallel_orchestra.plain import clean

_RED, _CYAN, _PLAIN = "\x1b[1;31m", "\x1b[36m", "\x1b[0m"


def exit_code_of(error: BaseException) -> ExitCode:
    """Prints what an error has to say, and returns the exit code it leads to."""
    if isinstance(error, OrchestraError):
        complain(*error.problems)
        return error.exit_code
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        _say("stopped\n")
        return ExitCode.INTERRUPTED
    if isinstance(error, click.ClickException):
        complain(_problem_of(error))
        return ExitCode.USAGE
    if isinstance(error, BrokenPipeError):
        # The reader of our output has left (`| head`): nobody is there to be told.
        _close_stdout()
        return ExitCode.ENVIRONMENT
    if isinstance(error, OSError) and error.errno is not None:
        complain(_problem_of_system(error))
        _give_up_unwritten()
        return ExitCode.ENVIRONMENT
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return ExitCode(error.code)
    complain(_internal(error, os.environ))
    return ExitCode.ENVIRONMENT


def complain(*problems: Problem) -> None:
    """Prints problems on standard error, with colours if it is to have them."""
    color = colored(sys.stderr, os.environ)
    width = shutil.get_terminal_size().columns if sys.stderr.isatty() else 0
    _say("".join(words_of(problem, color=color, width=width) for problem in problems))


def words_of(problem: Problem, *, color: bool = False, width: int = 0) -> str:
    """Returns a problem in lines: `error: what`, ` --> where`, `hint: how`.

    With the `width` of a terminal they break between words, but never within a command or a path.
    """
    red, cyan, plain = (_RED, _CYAN, _PLAIN) if color else ("", "", "")
    lines = [f"{red}error:{plain} {_folded('error: ', clean(problem.what), width)}"]
    if problem.where:
        lines.append(f" {cyan}-->{plain} {clean(problem.where)}")
    if problem.hint:
        lines.append(f"{cyan}hint:{plain} {_folded('hint: ', clean(problem.hint), width)}")
    return "\n".join(lines) + "\n"


def _folded(head: str, text: str, width: int) -> str:
    """Returns a text whose first line stands after a head; what a process printed stays as it is."""
    first, feed, rest = text.partition("\n")
    if width:
        rows = wrapped((Piece(head + first),), width, "  ", whole=True)
        # A head alone on its row would say nothing: what is too wide may as well begin there.
        first = "\n".join(map(plain_text, rows))[len(head) :].lstrip(" ")
    return first + feed + rest


def usage(what: str, hint: str = "") -> UsageError:
    """Returns the error for a command line that can't be carried out."""
    return UsageError(Problem(what, hint=hint))


def _problem_of(error: click.ClickException) -> Problem:
    said = error.format_message().strip().rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else PROGRAM
    return Problem(said[:1].lower() + said[1:], path, f"see `{path} --help`")


def _problem_of_system(error: OSError) -> Problem:
    """Returns what the operating system refused: a full disk, permissions, a vanished file."""
    if os.environ.get("PO_TRACEBACK") == "1":
        return _internal(error, os.environ)
    said = (error.strerror or str(error)).lower()
    where = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else ""
    hint = "`PO_TRACEBACK=1` shows what was being done"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = "make room on that disk, then go on with `--resume`"
    return Problem(f"the system says: {said}", where, hint)


def _internal(error: BaseException, environ: Mapping[str, str]) -> Problem:
    # 8 ms together, only for a mistake of ours
    import tempfile  # noqa: PLC0415
    import traceback  # noqa: PLC0415

    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    what = f"internal error: {type(error).__name__}: {error}"
    if environ.get("PO_TRACEBACK") == "1":
        return Problem(f"{what}\n{trace.rstrip()}")
    head = f"{PROGRAM} {__version__}, Python {sys.version.split()[0]}, {sys.platform}\n\n"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="parallel-orchestra-", suffix=".txt", delete=False, errors="replace"
        ) as stream:
            stream.write(head + trace)
    except OSError:
        return Problem(what, hint="`PO_TRACEBACK=1` shows where")
    hint = "this is a mistake of ours: please report it with that file and with what "
    return Problem(what, stream.name, f"{hint}`parallel-orchestra doctor --paste` prints")


def _say(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        # A terminal that is gone (SIGHUP) must not hide the exit code.
        return


def _give_up_unwritten() -> None:
    """Drops what standard output does not take: Python would try again at its end, and end with 120."""
    try:
        sys.stdout.flush()
    except OSError:
        _close_stdout()


def _close_stdout() -> None:
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)

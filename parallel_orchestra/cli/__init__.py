"""The command line: words in, words and an exit code out. The only room that prints.

stdout is data, stderr is talk. A command is one file here and one line in `catalogue`; errors
become words in `failures` only.
"""

import os
import sys

from parallel_orchestra import __version__
from parallel_orchestra.cli.catalogue import COMPLETING, PROGRAM, overview


def main(argv: list[str] | None = None) -> int:
    """Carries out a command line (None: this process's) and returns the exit code."""
    _open_closed_streams()
    words = sys.argv[1:] if argv is None else argv
    # click takes 25 ms to load, twice what Python itself needs: three pages do without it
    # A shell that wants a line completed asks without words, by a variable (click's protocol).
    if not os.environ.get(COMPLETING) and words in ([], ["--help"], ["-h"]):
        return _printed(overview())
    if words == ["--version"]:
        return _printed(f"{PROGRAM} {__version__}\n")
    from parallel_orchestra.cli.loading import (  # noqa: PLC0415  # see above
        interrupts_end_the_process,
    )
    from parallel_orchestra.garbage import loading, none_at_the_end  # noqa: PLC0415  # see above

    with interrupts_end_the_process(), loading():
        if words == ["status"] and (said := _at_rest()):
            return _printed(said)
        from parallel_orchestra.cli.group import call  # noqa: PLC0415  # see above
    none_at_the_end()
    return call(words)


def _printed(page: str) -> int:
    """Prints a page and returns the exit code."""
    try:
        sys.stdout.write(page)
        sys.stdout.flush()
    except OSError as error:
        from parallel_orchestra.cli.failures import exit_code_of  # noqa: PLC0415  # see above

        return exit_code_of(error)
    return 0


def _at_rest() -> str:
    """Returns what `status` says of a run at rest; empty if there is more to it."""
    from parallel_orchestra.cli.tints import colored  # noqa: PLC0415  # see above

    if colored(sys.stdout, os.environ):
        return ""
    from parallel_orchestra.cli.resting import words_here  # noqa: PLC0415  # see above

    return words_here()


def _open_closed_streams() -> None:
    """Leads streams that were closed before our start (`2>&-`) to nowhere.

    Else the next file that is opened, a task's or git's, would get the number of one of them,
    and what is said would be written into it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  # for good

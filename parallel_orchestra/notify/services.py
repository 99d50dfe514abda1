"""Chats, mail, push services and the desktop, by Apprise, which knows more than a hundred."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec

from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.frozen import frozen

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


@frozen
class Note:
    """What a person is told: one line, and more."""

    title: str
    body: str


def addresses_of(entries: Iterable[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """Returns Apprise's addresses for the entries of `notify`.

    `$NAME` and `${NAME}` stand for a variable's value, since an address often holds a secret and a
    plan is often public.

    Raises:
        EnvironmentProblem: Apprise is not installed, a variable is not set, or it is no address.
    """
    entries = tuple(entries)
    if entries and find_spec("apprise") is None:
        what = "`notify` needs Apprise, which is not installed"
        hint = "`pip install 'parallel-orchestra[notify]'`, or take `notify` out of the plan"
        raise EnvironmentProblem(Problem(what, "notify", hint))
    unset = [name for entry in entries for name in _names(entry) if not environ.get(name)]
    if unset:
        names = ", ".join(f"`{name}`" for name in dict.fromkeys(unset))
        what = f"`notify` takes addresses from variables that are not set: {names}"
        raise EnvironmentProblem(Problem(what, "notify", "set them, or take them out of the plan"))
    found = tuple(_address(entry, environ) for entry in entries)
    wrong = [
        entry for entry, address in zip(entries, found, strict=True) if not _understood(address)
    ]
    if wrong:
        names = ", ".join(f"`{entry}`" for entry in wrong)
        what = f"Apprise knows no such address, or lacks what it needs for it: {names}"
        hint = "what each service needs: https://github.com/caronc/apprise/wiki"
        raise EnvironmentProblem(Problem(what, "notify", hint))
    return found


def messenger(addresses: Iterable[str]) -> Callable[[Note], str | None]:
    """Returns what tells a note at all addresses, as a sentence if one can't be reached."""
    import apprise  # noqa: PLC0415  # slow to load, and few plans want it

    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    told = apprise.Apprise()
    for address in addresses:
        told.add(address)

    def tell(note: Note) -> str | None:
        # Why, Apprise says in its log only, which may hold addresses, and addresses are secrets.
        done = told.notify(title=note.title, body=note.body)
        return None if done else f"not everybody could be told that {note.title}"

    return tell


def _names(entry: str) -> list[str]:
    return [short or long for short, long in _VARIABLE.findall(entry)]


def _address(entry: str, environ: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: environ[found[1] or found[2]], entry)


def _understood(address: str) -> bool:
    import apprise  # noqa: PLC0415  # as in `messenger`

    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    return apprise.Apprise.instantiate(address) is not None

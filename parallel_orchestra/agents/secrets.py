"""Which values must never be shown, and in which spellings they may turn up.

Pure: the user's environment is passed in. Keys that are known by their form, whoever owns them, are
`process.shapes`. What is not found is in `docs/explanation/secrets.md`.
"""

import base64
import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping

from parallel_orchestra.process.mask import masked

#: Names of variables whose values are secrets.
_SECRET_NAME = re.compile(
    r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|_PAT$|_PASS$|_PW$|_AUTH$",
    re.IGNORECASE,
)
#: Names that only sound like it; one that has another word of `_SECRET_NAME` is none of them.
_HARMLESS_NAME = re.compile(
    r"KEY(?=BOARD|MAP|PAD|WORD|NOTE|STROKE|S?_?LAYOUT)|(?<=MON)KEY|(?<=TUR)KEY"
    r"|TOKEN(?=IZE)|(?:PUBLIC|PUBLISHABLE)_?KEY",
    re.IGNORECASE,
)
#: Names of places where secrets lie: paths are no secrets, and without them no log can be read.
_PLACE_NAME = re.compile(r"(?:FILE|PATH|DIR|DIRECTORY|HOME|SOCK|SOCKET|STORE)S?$", re.IGNORECASE)
_PATH = re.compile(r"(?:[A-Za-z]:|~|\.{1,2})?(?:[/\\][\w.@ -]+){2,}\.\w{2,5}")
#: Values that half of the world has: to mask them would hide ordinary words.
_HARMLESS_VALUES = frozenset(
    {
        "changeit",
        "changeme",
        "disabled",
        "optional",
        "password",
        "postgres",
        "required",
        "testtest",
        "undefined",
    }
)
#: Shorter values would mask ordinary words, `KEY=1` every digit one.
SHORTEST_SECRET = 8
#: A shorter line of a value is nothing by itself; of a shorter value no base64 is looked for.
_SHORTEST_PART = 16
#: `scheme://user:password@host`, whatever the variable is called.
_URL_PASSWORD = re.compile(r"://[^\s/@:]*:([^\s/@]+)@")
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def secrets_of(*environments: Mapping[str, str]) -> tuple[str, ...]:
    """Returns all that is to be masked for these variables, the longest first."""
    found = {spelling for value in secret_values(environments) for spelling in _spellings(value)}
    # the longest first: a secret that begins with another one must be masked whole
    return tuple(sorted(found, key=lambda value: (-len(value), value)))


def secret_values(environments: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """Yields the values of variables with a secret's name, and passwords in URLs."""
    for environment in environments:
        for name, value in environment.items():
            found = [value] if _sounds_secret(name) else []
            if "://" in value:
                found += _URL_PASSWORD.findall(value)
            for one in found:
                if len(one) >= SHORTEST_SECRET and not _is_harmless(one):
                    yield one


def hidden(text: str, secrets: tuple[str, ...]) -> str:
    """Returns a text without secrets and keys."""
    known = tuple(secret.encode("utf-8", "surrogateescape") for secret in secrets)
    data = text.encode("utf-8", "surrogatepass")
    return masked(data, known).decode("utf-8", "surrogatepass")


@functools.lru_cache(maxsize=4096)
def _sounds_secret(name: str) -> bool:
    rest = _HARMLESS_NAME.sub("", name)
    return bool(_SECRET_NAME.search(rest)) and not _PLACE_NAME.search(name)


def _is_harmless(value: str) -> bool:
    return value.lower() in _HARMLESS_VALUES or bool(_PATH.fullmatch(value))


def _spellings(value: str) -> Iterator[str]:
    """Yields a value as it may stand in an output: in JSON, in a URL, in base64, line by line."""
    yield value
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield json.dumps(value)[1:-1]
    data = value.encode("utf-8", "surrogateescape")
    yield "".join(chr(byte) if chr(byte) in _PLAIN else f"%{byte:02X}" for byte in data)
    lines = value.splitlines()
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _SHORTEST_PART and line[:5] != "-----")
    if len(value) >= _SHORTEST_PART:
        yield from _in_base64(data)


def _in_base64(data: bytes) -> Iterator[str]:
    """Yields what all base64 of a longer text has in common that holds the data.

    There are three, for each place in a group of three bytes at which the data may begin.
    """
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + data).decode()
        whole = (before + len(data)) * 8 // 6
        common = coded[(0, 2, 3)[before] : whole]
        yield common
        yield common.replace("+", "-").replace("/", "_")

"""An agent's last words, made safe to show: bounded, and nothing in them moves a cursor.

What an agent prints may come from anywhere (a web page, a file), so it is never shown as it is.
"""

import re

#: Characters of an answer that are kept, and of a reason, which stands on one line.
TEXT_LIMIT = 65_536
REASON_LIMIT = 400
#: Lines and characters of a program's output that count as its last words.
LAST_LINES = 40
LAST_LIMIT = 8_192

#: CSI, OSC and other escape sequences (ECMA-48), whole, so that no `[31m` is left over.
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?"
)
#: Control characters but for tab and newline, and the invisible ones that turn text around
#: (Unicode UAX #9) or pretend to be a line's end; half a surrogate pair can't be written at all.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_LINE_END = re.compile(r"\r+\n|\r")


def clean(text: str, limit: int = TEXT_LIMIT) -> str:
    """Returns the text without control and invisible characters, the last `limit` ones of it."""
    # a cut before the costly part, generous enough that what escapes take away does not matter
    text = text[-4 * limit :]
    text = _UNSAFE.sub("", _LINE_END.sub("\n", _ESCAPES.sub("", text))).strip()
    return text if len(text) <= limit else "[...] " + text[-limit:]


def last_lines(output: bytes, lines: int = LAST_LINES) -> str:
    """Returns the last lines of a program's output that are not empty, cleaned."""
    text = clean(output[-4 * LAST_LIMIT :].decode(errors="replace"), LAST_LIMIT)
    return "\n".join([line for line in text.split("\n") if line.strip()][-lines:])


def one_line(text: str) -> str:
    """Returns the text as one cleaned line of at most `REASON_LIMIT` characters, its beginning."""
    line = " ".join(clean(text).split())
    return line if len(line) <= REASON_LIMIT else line[: REASON_LIMIT - 4].rstrip() + " ..."

"""An agent's last words, made safe to show: bounded, and nothing in them moves a cursor.

What an agent prints may come from anywhere (a web page, a file), so it is never shown as it is.
"""

from parallel_orchestra import plain

#: Characters of an answer that are kept, and of a reason, which stands on one line.
TEXT_LIMIT = 65_536
REASON_LIMIT = 400
_BRIEF = 120
#: Lines and characters of a program's output that count as its last words.
LAST_LINES = 40
LAST_LIMIT = 8_192


def clean(text: str, limit: int = TEXT_LIMIT) -> str:
    """Returns the text without control and invisible characters, the last `limit` ones of it."""
    # a cut before the costly part, generous enough that what escapes take away does not matter
    text = text[-4 * limit :]
    text = plain.clean(text).strip()
    return text if len(text) <= limit else "[...] " + text[-limit:]


def last_lines(output: bytes, lines: int = LAST_LINES) -> str:
    """Returns the last lines of a program's output that are not empty, cleaned."""
    text = clean(output[-4 * LAST_LIMIT :].decode(errors="replace"), LAST_LIMIT)
    return "\n".join([line for line in text.split("\n") if line.strip()][-lines:])


def brief(text: str) -> str:
    """Returns the beginning of the last paragraph of a text: there is what it comes to."""
    last = clean(text).rpartition("\n\n")[2]
    line = one_line(last) or "it gave no reason"
    return line if len(line) <= _BRIEF else line[: _BRIEF - 4].rstrip() + " ..."


def one_line(text: str) -> str:
    """Returns the text as one cleaned line of at most `REASON_LIMIT` characters, its beginning."""
    line = " ".join(clean(text).split())
    return line if len(line) <= REASON_LIMIT else line[: REASON_LIMIT - 4].rstrip() + " ..."

"""Words from anywhere as plain text: what agents print and what files are called moves no cursor.

Pure. All that people see of such words goes through here: lines of a terminal, reports, prompts'
quotations. What stands in a file or goes into a pipe for programs stays as it is.
"""

import re
from collections.abc import Sequence

#: Escape sequences of a terminal (ECMA-48), whole, so that no `[31m` is left over.
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b(?:[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?"
)
#: Controls but tab and line feed; what turns text around (Unicode UAX #9); what is not seen at all
#: and so may say something else to a program than to its reader; half surrogate pairs. The joiners
#: U+200C and U+200D stay: scripts and emoji need them.
UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_LINE_END = re.compile("\r+\n?|[\x0b\x0c\x85\u2028\u2029]")


def clean(text: str) -> str:
    """Returns the text without escape sequences, control, direction and invisible characters."""
    if text.isascii() and text.isprintable():
        return text
    return UNSAFE.sub("", _LINE_END.sub("\n", _SEQUENCES.sub("", text)))


def one_line(text: str) -> str:
    """Returns the cleaned text with every run of white space as one space."""
    return " ".join(clean(text).split())


def cut(line: str, width: int) -> str:
    """Returns the line, at most `width` characters of it; a cut shows as ` ...`."""
    return line if len(line) <= width else line[: max(width - 4, 0)].rstrip() + " ..."


def some_of(words: Sequence[str], most: int) -> str:
    """Returns the first few of these words as a list, and how many more there are."""
    shown = ", ".join(words[:most])
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown

"""What QA said of a candidate: one word on a line of its own, and the words around it.

Pure. What is not plainly a verdict is none: who guesses here merges what nobody approved.
"""

import re

from parallel_orchestra.agents.words import clean
from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import QaVerdict

_WORDS = {
    "APPROVED": QaVerdict.APPROVED,
    "TASK_APPROVED": QaVerdict.APPROVED,
    "QA_APPROVED": QaVerdict.APPROVED,
    "REJECTED": QaVerdict.REJECTED,
    "TASK_REJECTED": QaVerdict.REJECTED,
    "QA_REJECTED": QaVerdict.REJECTED,
    "BLOCKED": QaVerdict.BLOCKED,
    "TASK_BLOCKED": QaVerdict.BLOCKED,
    "QA_BLOCKED": QaVerdict.BLOCKED,
}
_ANY = "|".join(_WORDS)
_PROMISE = re.compile(rf"<promise>\s*({_ANY})\s*(?::([^<]*))?</promise>")
_WORD = re.compile(_ANY)
_LABEL = re.compile(r"(?:QA |Final )?[Vv]erdict[*_`]{0,4}\s?:")
#: Marks of Markdown around a verdict do no harm; other words do.
_MARKS = " \t#*_`"
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
#: Findings that are kept, in characters: they stand in the next prompt.
FINDINGS_LIMIT = 16_000


@frozen
class Opinion:
    """A verdict, with what was said beside it: the findings, or why there is none."""

    verdict: QaVerdict
    words: str = ""


def find_opinion(text: str) -> Opinion | None:
    """Returns the verdict of an answer, by its last line that is one; None if it has none.

    What is quoted counts for nothing, as it is somebody else's: a line of the work may say anything.
    A line with two that differ is no verdict, and nor is a rejection that does not say why: the
    agent could not mend anything by it.
    """
    lines = clean(text).splitlines()
    own = _unquoted(lines)
    for at in reversed(own):
        found = _on_line(lines[at])
        if not found:
            continue
        verdicts = {verdict for verdict, _ in found}
        if len(verdicts) > 1:
            return None
        verdict, words = found[-1]
        rest = (line for i, line in enumerate(lines) if i not in own or not _on_line(line))
        around = "\n".join(rest)
        said = "\n\n".join(part for part in (words.strip(_MARKS), around.strip()) if part)
        if verdict is QaVerdict.REJECTED and not said:
            return None
        return Opinion(verdict, said[:FINDINGS_LIMIT])
    return None


def _unquoted(lines: list[str]) -> list[int]:
    """Returns the places of the lines that stand in no fence; none if one is not closed.

    Of a long output the beginning may be cut off: then nobody knows what is inside.
    """
    own, fence = [], ""
    for at, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark is None and not fence:
            own.append(at)
        elif mark is not None and not fence:
            fence = mark[1]
        elif mark is not None and mark[1].startswith(fence) and not line.strip(" `~"):
            fence = ""
    return own if not fence else []


def _on_line(line: str) -> list[tuple[QaVerdict, str]]:
    """Returns the verdicts on a line, with the words after their colons."""
    if line.startswith(("    ", "\t")):
        return []
    rest = line.strip(_MARKS)
    if rest.startswith("<") and not _PROMISE.sub("", rest).strip():
        return [(_WORDS[found[1]], found[2] or "") for found in _PROMISE.finditer(rest)]
    if (label := _LABEL.match(rest)) is not None:
        rest = rest[label.end() :].lstrip(_MARKS)
    found = _WORD.match(rest)
    if found is None:
        return []
    tail = rest[found.end() :].lstrip("*`")
    if tail in ("", ".", "!") or tail.startswith(":"):
        return [(_WORDS[found[0]], tail[1:])]
    return []

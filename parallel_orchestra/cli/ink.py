"""What a terminal shows, as pieces of text with a look: measured in columns, cut, coloured.

Knows nothing of runs. A look is a word such as `bad`; only `painted` knows colours, only
`signs_for` knows what an encoding has. All text that comes in was cleaned by `plain`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import click


class Piece(NamedTuple):
    """Some text with a look: one of the names in `_LOOKS`, or none."""

    text: str
    look: str = ""


#: One row of a terminal.
Line = tuple[Piece, ...]


class Signs(NamedTuple):
    """The signs that lines are made of, for a terminal that has them or for one that does not."""

    full: str
    rest: str
    good: str
    bad: str
    runs: str
    waits: str
    again: str
    arrow: str
    cut: str
    #: Corners (upper left first, clockwise), the horizontal and the vertical side of a box.
    box: tuple[str, str, str, str, str, str]


UNICODE = Signs("█", "░", "✓", "✗", "▶", "·", "↻", "→", "…", ("╭", "╮", "╯", "╰", "─", "│"))
ASCII = Signs("#", "-", "+", "x", ">", ".", "~", "->", "...", ("+", "+", "+", "+", "-", "|"))
_NO_CUT = UNICODE._replace(cut="")
#: A word with what stands in backticks within it.
_WORD = re.compile(r"(?:`[^`]+`|\S)+")

_LOOKS: Mapping[str, Mapping[str, object]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red", "bold": True},
    "less": {"fg": "red"},
    "odd": {"fg": "yellow"},
    "name": {"bold": True},
    "quiet": {"dim": True},
    "act": {"fg": "cyan"},
    "chosen": {"reverse": True},
}


def signs_for(encoding: str | None) -> Signs:
    """Returns the signs that an encoding can show; plain ASCII for what is unknown."""
    try:
        "".join((*UNICODE[:-1], *UNICODE.box)).encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return ASCII
    return UNICODE


def columns(text: str) -> int:
    """Returns how many columns of a terminal a text takes: a wide character has two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415  # 46 ms that only such texts pay

    return cell_len(text)


def fitted(text: str, width: int, signs: Signs = UNICODE) -> str:
    """Returns the text in exactly so many columns: cut with a sign, or filled up with spaces."""
    return shortened(text, width, signs) + " " * max(0, width - columns(text))


def shortened(text: str, width: int, signs: Signs = UNICODE) -> str:
    """Returns the text in at most so many columns; a cut shows."""
    if columns(text) <= width:
        return text
    sign = signs.cut if columns(signs.cut) < width else ""
    head, room = "", width - columns(sign)
    for letter in text:
        if columns(head + letter) > room:
            break
        head += letter
    # half of a wide character leaves a column free, which a filled-up line must have
    return head + sign + " " * (room - columns(head)) if room >= 0 else ""


def clipped(line: Iterable[Piece], width: int, signs: Signs = UNICODE) -> Line:
    """Returns the pieces that fit into so many columns, the last one cut."""
    found: list[Piece] = []
    room = width
    for piece in line:
        size = columns(piece.text)
        if size > room:
            found.append(Piece(shortened(piece.text, room, signs), piece.look))
            break
        found.append(piece)
        room -= size
    return tuple(piece for piece in found if piece.text)


def wrapped(line: Line, width: int, hang: str = "", *, whole: bool = False) -> Iterator[Line]:
    """Yields a line as rows of at most so many columns, broken between words.

    Each row but the first begins with `hang`. What stands in backticks is one word, since it is
    copied. A word that is wider than a row is broken where that is full; if it is to stay `whole` it
    has a row of its own, which the terminal wraps, so that nothing is in what one copies there.
    """
    text = plain_text(line)
    before: Line = ()
    for start, end in _rows(text, max(width, 2), columns(hang), whole=whole):
        yield (*before, *_between(line, start, end))
        before = (Piece(hang),) if hang else ()


def _rows(text: str, width: int, hang: int, *, whole: bool) -> Iterator[tuple[int, int]]:
    """Yields where the rows of a text begin and end, without the spaces between them."""
    start, end, room = 0, 0, width
    if columns(text) <= width:
        yield 0, len(text)
        return
    for word in _WORD.finditer(text):
        if columns(text[start : word.end()]) <= room:
            end = word.end()
            continue
        if text[start:end].strip():
            yield start, end
            start, room = word.start(), max(2, width - hang)
        end = word.end()
        while not whole and (size := _filling(text[start:end], room)) < end - start:
            yield start, start + size
            start, room = start + size, max(2, width - hang)
    yield start, max(start, end)


def _filling(word: str, room: int) -> int:
    """Returns how many letters of a word fill so many columns: all, if there is room for them."""
    # Some letters take no column: of those, more than that are no text.
    part = word[: 4 * room]
    return len(part if columns(part) <= room else shortened(part, room, _NO_CUT).rstrip(" ")) or 1


def _between(line: Line, start: int, end: int) -> Iterator[Piece]:
    """Yields the pieces of a line from one letter of it to another."""
    for piece in line:
        text = piece.text[max(start, 0) : max(end, 0)]
        if text:
            yield Piece(text, piece.look)
        start, end = start - len(piece.text), end - len(piece.text)


def length(line: Line) -> int:
    """Returns the columns that a line takes."""
    return sum(columns(piece.text) for piece in line)


def plain_text(line: Line) -> str:
    """Returns the text of a line alone."""
    return "".join(piece.text for piece in line)


def painted(line: Line, *, color: bool) -> str:
    """Returns a line as a terminal takes it: with colours, or as plain text."""
    if not color:
        return plain_text(line)
    return "".join(
        click.style(piece.text, **_LOOKS[piece.look]) if piece.look else piece.text  # type: ignore[arg-type]  # the table above is ours
        for piece in line
    )


def boxed(title: str, lines: Iterable[Line], width: int, signs: Signs) -> Iterator[Line]:
    """Yields these lines in a box, as wide as its longest line but no wider than `width`."""
    body = list(lines)
    inner = min(max([length(line) for line in body] + [columns(title) + 2]), width - 4)
    upper_left, upper_right, lower_right, lower_left, side, wall = signs.box
    head = shortened(f" {title} ", inner, signs)
    yield (
        Piece(f"{upper_left}{side}", "quiet"),
        Piece(head, "name"),
        Piece(side * (inner + 1 - columns(head)) + upper_right, "quiet"),
    )
    for line in body:
        cut = clipped(line, inner, signs)
        filling = Piece(" " * (inner - length(cut) + 1))
        yield (Piece(f"{wall} ", "quiet"), *cut, filling, Piece(wall, "quiet"))
    yield (Piece(lower_left + side * (inner + 2) + lower_right, "quiet"),)

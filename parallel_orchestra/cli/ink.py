"""What a terminal shows, as pieces of text with a look: measured in columns, cut, coloured.

Knows nothing of runs. A look is a word such as `bad`; only `painted` knows colours, only
`signs_for` knows what an encoding has. All text that comes in was cleaned by `plain`.
"""

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


def wrapped(line: Line, width: int) -> Iterator[Line]:
    """Yields a line as rows of at most so many columns, broken where they are full."""
    row: list[Piece] = []
    room = max(width, 2)
    for piece in line:
        text = piece.text
        while columns(text) > room:
            head = shortened(text, room, _NO_CUT).rstrip(" ")
            yield (*row, Piece(head, piece.look))
            row, text, room = [], text[len(head) :].lstrip(" "), max(width, 2)
        row.append(Piece(text, piece.look))
        room -= columns(text)
    yield tuple(row)


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

"""Text -> tokens: numbers, names and signs, in order."""

import re

from calc.errors import CalcError

TOKEN = re.compile(r"\s*(?:(?P<number>\d+\.?\d*|\.\d+)|(?P<name>[a-z]+)|(?P<sign>\*\*|[-+*/(),]))")


def tokenize(text):
    """Returns the tokens as pairs of kind (`number`, `name`, `sign`) and text."""
    tokens = []
    text = text.rstrip()
    place = 0
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            raise CalcError(f"cannot read {text[place:].strip()!r}")
        tokens.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return tokens

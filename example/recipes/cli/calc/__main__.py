"""`python3 -m calc "2 + 3 * 4" ...`: one line for each calculation; without one, the manual."""

import sys

from calc.errors import CalcError
from calc.evaluate import evaluate
from calc.history import History
from calc.manual import manual
from calc.numbers import show


def main(texts):
    """Prints the calculations with their results; returns the exit code."""
    if not texts:
        print(manual())
        return 0
    history = History(length=len(texts))
    try:
        for text in texts:
            history.add(text, show(evaluate(text)))
    except CalcError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(*history.lines(), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

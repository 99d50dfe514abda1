"""What the calculator can do, in words."""

from calc.functions import FUNCTIONS
from calc.operators import OPERATORS


def manual():
    """Returns the manual; operators that bind strongly come first."""
    signs = sorted(OPERATORS, key=lambda sign: -OPERATORS[sign].strength)
    return (
        'usage: python3 -m calc "2 + 3 * 4" ...\n'
        f"operators: {' '.join(signs)}\n"
        f"functions: {' '.join(sorted(FUNCTIONS))}"
    )

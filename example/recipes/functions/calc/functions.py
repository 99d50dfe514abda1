"""The functions that can be called by name."""

import math

from calc.errors import CalcError


def root(number):
    """Returns the square root; a negative number has none."""
    if number < 0:
        raise CalcError("a negative number has no square root")
    return math.sqrt(number)


FUNCTIONS = {"abs": abs, "round": round, "sqrt": root}


def call(name, argument):
    """Returns what the function of that name makes of its argument."""
    if name not in FUNCTIONS:
        raise CalcError(f"there is no function {name!r}; there are {', '.join(FUNCTIONS)}")
    return FUNCTIONS[name](argument)

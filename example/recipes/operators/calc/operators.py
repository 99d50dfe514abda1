"""The operators: how strongly each binds, from which side, and what it does."""

import operator
from collections import namedtuple

from calc.errors import CalcError

Operator = namedtuple("Operator", "strength from_right apply")


def divide(left, right):
    """Returns the quotient; a zero below the line has none."""
    if right == 0:
        raise CalcError("division by zero")
    return left / right


OPERATORS = {
    "+": Operator(1, False, operator.add),
    "-": Operator(1, False, operator.sub),
    "*": Operator(2, False, operator.mul),
    "/": Operator(2, False, divide),
    "**": Operator(3, True, operator.pow),
}

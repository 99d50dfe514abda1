"""Text -> result."""

from calc.functions import call
from calc.operators import OPERATORS
from calc.parser import parse


def evaluate(text):
    """Returns the result of the calculation as a number."""
    return _value(parse(text))


def _value(tree):
    kind, *parts = tree
    if kind == "number":
        return parts[0]
    if kind == "call":
        return call(parts[0], _value(parts[1]))
    return OPERATORS[kind].apply(*map(_value, parts))

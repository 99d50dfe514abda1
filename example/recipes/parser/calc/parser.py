"""Tokens -> a tree of tuples: `("number", 2.0)`, `("+", left, right)`, `("call", name, argument)`."""

from calc.errors import CalcError
from calc.operators import OPERATORS
from calc.tokens import tokenize


def parse(text):
    """Returns the tree of a calculation."""
    tokens = tokenize(text)
    tree = _operation(tokens, 0)
    if tokens:
        raise CalcError(f"{tokens[0][1]!r} is too much")
    return tree


def _operation(tokens, weakest):
    """Takes operands and the operators between them that bind at least that strongly."""
    tree = _operand(tokens)
    while tokens and tokens[0][1] in OPERATORS and OPERATORS[tokens[0][1]].strength >= weakest:
        sign = tokens.pop(0)[1]
        operator = OPERATORS[sign]
        tree = (sign, tree, _operation(tokens, operator.strength + (not operator.from_right)))
    return tree


def _operand(tokens):
    """Takes a number, a negative operand, a call or something in brackets."""
    kind, text = tokens.pop(0) if tokens else ("end", "the end")
    if kind == "number":
        return ("number", float(text))
    if text == "-":
        return ("-", ("number", 0.0), _operation(tokens, OPERATORS["*"].strength))
    if kind == "name":
        _take(tokens, "(")
        return ("call", text, _bracket(tokens))
    if text == "(":
        return _bracket(tokens)
    raise CalcError(f"a number is missing before {text}")


def _bracket(tokens):
    tree = _operation(tokens, 0)
    _take(tokens, ")")
    return tree


def _take(tokens, sign):
    if not tokens or tokens.pop(0)[1] != sign:
        raise CalcError(f"{sign!r} is missing")

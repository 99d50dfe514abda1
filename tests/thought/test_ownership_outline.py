"""Which symbols of a file differ between two versions."""

import pytest

from parallel_orchestra.ownership import changed_symbols, python_outline

SHOP = '''"""A shop."""

import os

RATE = 1


class Cart:
    """A cart."""

    size = 3

    def __init__(self):
        self.items = []

    @property
    def total(self):
        # the sum
        return sum(self.items)


async def pay(cart):
    return cart.total


if os.name == "nt":

    def clear():
        return 1
else:

    def clear():
        return 2

print(RATE)
'''


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("return sum", "return 1 + sum", {"Cart.total"}),
        ("# the sum", "# all of it", {"Cart.total"}),
        ("    @property\n", "", {"Cart.total"}),
        ("size = 3", "size = 4", {"Cart.size"}),
        ('"""A cart."""', '"""The cart."""', {"Cart"}),
        ("class Cart:", "class Cart(dict):", {"Cart"}),
        ("async def pay", "def pay", {"pay"}),
        ("def pay(cart)", "def buy(cart)", {"pay", "buy"}),
        ("return 2", "return 3", {"clear"}),
        ('== "nt"', '!= "nt"', {""}),
        ("RATE = 1", "RATE = 2", {"RATE"}),
        ("print(RATE)", "print(1)", {""}),
        ("import os\n", "import os\nimport sys\nfrom re import (\n    sub,\n)\n", set()),
        ("\n\nclass", "\n\n# a class\n\n\nclass", set()),
        ("\n", "\r\n", set()),
    ],
)
def test_a_change_is_that_of_the_innermost_symbol_around_it(old, new, changed):
    before, after = python_outline(SHOP), python_outline(SHOP.replace(old, new))

    assert changed_symbols(before, after) == changed


def test_a_method_more_does_not_change_its_class():
    more = SHOP.replace("    @property", "    def add(self, item):\n        pass\n\n    @property")

    assert changed_symbols(python_outline(SHOP), python_outline(more)) == {"Cart.add"}


def test_a_file_that_was_not_there_has_all_its_symbols_added():
    assert changed_symbols({}, python_outline("def f(): pass\nx = 1\nimport os\n")) == {"f", "x"}


@pytest.mark.parametrize("text", ["def f(:", "\0", "(" * 10_000])
def test_what_is_no_python_has_no_outline(text):
    assert python_outline(text) is None

import unittest

from calc.functions import FUNCTIONS
from calc.manual import manual
from calc.operators import OPERATORS


class Manual(unittest.TestCase):
    def test_everything_that_can_be_typed_is_named(self):
        words = manual().split()
        for name in [*OPERATORS, *FUNCTIONS]:
            with self.subTest(name):
                self.assertIn(name, words)

    def test_operators_that_bind_strongly_come_first(self):
        self.assertLess(manual().index("**"), manual().index(" + -"))

import unittest

from calc.errors import CalcError
from calc.operators import OPERATORS


class Operators(unittest.TestCase):
    def test_multiplication_binds_more_strongly_than_addition(self):
        self.assertGreater(OPERATORS["*"].strength, OPERATORS["+"].strength)

    def test_each_operator_calculates(self):
        results = {sign: each.apply(6, 3) for sign, each in OPERATORS.items()}
        self.assertEqual(results, {"+": 9, "-": 3, "*": 18, "/": 2, "**": 216})

    def test_nothing_is_divided_by_zero(self):
        with self.assertRaisesRegex(CalcError, "division by zero"):
            OPERATORS["/"].apply(1, 0)

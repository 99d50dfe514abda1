import unittest

from calc.errors import CalcError
from calc.tokens import tokenize


class Tokens(unittest.TestCase):
    def test_numbers_names_and_signs_are_told_apart(self):
        self.assertEqual(
            tokenize("2.5 + sqrt(x)"),
            [("number", "2.5"), ("sign", "+"), ("name", "sqrt"),
             ("sign", "("), ("name", "x"), ("sign", ")")],
        )

    def test_a_double_star_is_one_sign(self):
        self.assertEqual([text for _, text in tokenize("2**3*4")], ["2", "**", "3", "*", "4"])

    def test_what_cannot_be_read_is_named(self):
        with self.assertRaisesRegex(CalcError, "cannot read '§ 3'"):
            tokenize("2 + § 3")

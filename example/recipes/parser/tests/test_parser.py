import unittest

from calc.errors import CalcError
from calc.parser import parse

ONE, TWO, THREE = (("number", float(value)) for value in (1, 2, 3))


class Parser(unittest.TestCase):
    def test_what_binds_more_strongly_is_deeper(self):
        self.assertEqual(parse("1 + 2 * 3"), ("+", ONE, ("*", TWO, THREE)))

    def test_brackets_come_first(self):
        self.assertEqual(parse("(1 + 2) * 3"), ("*", ("+", ONE, TWO), THREE))

    def test_differences_are_taken_from_the_left_and_powers_from_the_right(self):
        self.assertEqual(parse("1 - 2 - 3"), ("-", ("-", ONE, TWO), THREE))
        self.assertEqual(parse("1 ** 2 ** 3"), ("**", ONE, ("**", TWO, THREE)))

    def test_a_name_is_called(self):
        self.assertEqual(parse("sqrt(2)"), ("call", "sqrt", TWO))

    def test_what_is_missing_is_named(self):
        for text, missing in [("1 +", "a number"), ("(1", "'\\)'"), ("sqrt", "'\\('")]:
            with self.subTest(text), self.assertRaisesRegex(CalcError, f"{missing} is missing"):
                parse(text)

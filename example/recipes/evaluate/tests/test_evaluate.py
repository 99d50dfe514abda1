import unittest

from calc.errors import CalcError
from calc.evaluate import evaluate


class Evaluate(unittest.TestCase):
    def test_calculations_have_the_result_that_school_teaches(self):
        for text, result in [
            ("2 + 3 * 4", 14),
            ("(2 + 3) * 4", 20),
            ("2 ** 3 ** 2", 512),
            ("10 - 4 - 3", 3),
            ("-2 ** 2", -4),
            ("sqrt(3 * 3 + 4 * 4)", 5),
        ]:
            with self.subTest(text):
                self.assertEqual(evaluate(text), result)

    def test_what_has_no_result_is_an_error(self):
        with self.assertRaises(CalcError):
            evaluate("1 / (2 - 2)")

import unittest

from calc.errors import CalcError
from calc.functions import call


class Functions(unittest.TestCase):
    def test_a_function_is_called_by_its_name(self):
        self.assertEqual((call("sqrt", 9), call("abs", -2), call("round", 2.7)), (3, 2, 3))

    def test_a_negative_number_has_no_root(self):
        with self.assertRaisesRegex(CalcError, "no square root"):
            call("sqrt", -1)

    def test_an_unknown_function_is_named(self):
        with self.assertRaisesRegex(CalcError, "no function 'sin'; there are abs, round, sqrt"):
            call("sin", 1)

import unittest

from calc.errors import CalcError


class Errors(unittest.TestCase):
    def test_an_error_says_why(self):
        self.assertEqual(str(CalcError("division by zero")), "division by zero")

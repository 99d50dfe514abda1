import contextlib
import io
import unittest

from calc.__main__ import main


class CommandLine(unittest.TestCase):
    def test_each_calculation_has_a_line(self):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = main(["2 + 3 * 4", "0.1 + 0.2"])
        self.assertEqual((code, out.getvalue()), (0, "2 + 3 * 4 = 14\n0.1 + 0.2 = 0.3\n"))

    def test_an_error_is_said(self):
        with contextlib.redirect_stderr(io.StringIO()) as err:
            code = main(["1 / 0"])
        self.assertEqual((code, err.getvalue()), (1, "error: division by zero\n"))

    def test_without_a_calculation_the_manual_is_shown(self):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = main([])
        self.assertEqual(code, 0)
        self.assertIn("functions: abs round sqrt", out.getvalue())

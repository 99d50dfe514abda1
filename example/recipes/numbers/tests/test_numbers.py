import unittest

from calc.numbers import show


class Numbers(unittest.TestCase):
    def test_a_whole_number_has_no_point(self):
        self.assertEqual(show(14.0), "14")

    def test_a_sum_of_tenths_is_shown_as_one_expects(self):
        self.assertEqual(show(0.1 + 0.2), "0.3")

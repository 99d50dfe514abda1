import unittest

from calc.history import History


class Remembering(unittest.TestCase):
    def test_the_newest_comes_last(self):
        history = History()
        history.add("1 + 1", "2")
        history.add(" 2 * 2 ", "4")
        self.assertEqual(history.lines(), ["1 + 1 = 2", "2 * 2 = 4"])

    def test_the_oldest_is_forgotten(self):
        history = History(length=1)
        history.add("1", "1")
        history.add("2", "2")
        self.assertEqual(history.lines(), ["2 = 2"])

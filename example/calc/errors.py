"""What can be wrong with a calculation."""


class CalcError(Exception):
    """The text is no calculation, or it has no result; the message says why."""

"""Numbers -> text, as a person would write them."""


def show(number):
    """Returns the number as text."""
    return str(number)

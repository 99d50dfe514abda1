"""Numbers -> text, as a person would write them."""


def show(number):
    """Returns 14 for 14.0 and 0.3 for 0.1 + 0.2: ten digits, and no empty ones."""
    return f"{number:.10g}"

"""A value in an error's message, on one line of some length."""

import reprlib
from typing import Any


def shown(value: Any) -> str:
    """The value in short, even where Python refuses to write it out.

    >>> shown(10**5000)
    'a value of type int'
    """
    try:
        return reprlib.repr(value)
    except Exception:  # whatever an object of a user's does to show itself
        return f"a value of type {type(value).__name__}"

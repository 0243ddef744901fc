"""E-mails, names and phones, as two people would compare them."""

import re

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

_PHONE_LIKE = re.compile(r"[\d\s()+./-]+", re.ASCII)
_FEWEST_DIGITS = 4  # of a phone; fewer would find half the town


def is_email(value: str) -> bool:
    """Tell whether a message could be sent there."""
    try:
        validate_email(value)
    except ValidationError:
        return False
    return True


def is_same_name(one: str, other: str) -> bool:
    """Tell whether two people gave one name, however they spaced and cased it."""
    return one.casefold().split() == other.casefold().split()


def phone_digits(text: str) -> str:
    """Return the digits of a text that may be part of a phone, else nothing."""
    digits = re.sub(r"\D", "", text) if _PHONE_LIKE.fullmatch(text) else ""
    return digits if len(digits) >= _FEWEST_DIGITS else ""

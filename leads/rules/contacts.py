"""Phones, e-mails and names: made comparable."""

import re

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

_PHONE_LIKE = re.compile(r"[\d\s()+./-]+", re.ASCII)
_FEWEST_DIGITS = 4  # of a phone; fewer would find half the town


def e164(given: str, *, region: str) -> str | None:
    """Return a phone as +16025550142, or None where it is none that could ring.

    A number without a country is read as one of `region`; an extension is dropped.
    """
    try:
        number = phonenumbers.parse(given, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


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

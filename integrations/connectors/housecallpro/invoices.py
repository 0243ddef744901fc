"""A number that is a visit's reference: unique, and the same each time."""

from collections.abc import Mapping
from typing import Any

from core.ids import ALPHABET
from integrations.rules.things import Thing

_PREFIX = "V-"
_LENGTH = 8


def invoice_number(thing: Thing, *, settings: Mapping[str, Any]) -> str:
    """Return what the invoice of a visit is numbered; blank where that is switched off.

    Digits are the value of the reference in base 32: thirteen at most.
    """
    style = settings.get("invoice_number") or "digits"
    if style == "none":
        return ""
    if style == "reference":
        return thing.reference
    value = 0
    for letter in thing.reference.removeprefix(_PREFIX):
        value = value * len(ALPHABET) + ALPHABET.index(letter)
    return str(value)


def reference_of(number: str) -> str:
    """Return the reference that a number was made of, if it can be one of ours."""
    if number.startswith(_PREFIX):
        return number
    if not (number.isascii() and number.isdigit()):
        return ""
    value, letters = int(number), ""
    for _ in range(_LENGTH):
        value, digit = divmod(value, len(ALPHABET))
        letters = ALPHABET[digit] + letters
    return "" if value else f"{_PREFIX}{letters}"

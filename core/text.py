"""Text from outside: made uniform on its way in, masked on its way to a log."""

import re
import unicodedata
from typing import Any

import phonenumbers

# Marks that reorder what a reader sees: the Unicode bidirectional controls.
_BIDI_CONTROLS = dict.fromkeys(
    [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SECRET_KEY = re.compile(
    r"password|secret|token|authorization|cookie|api_key", re.IGNORECASE
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_PHONE = re.compile(r"\+\d{8,15}\b")


def clean_text(value: str) -> str:
    """Return `value` in NFC, trimmed, without bidirectional controls."""
    return unicodedata.normalize("NFC", value.translate(_BIDI_CONTROLS)).strip()


def has_forbidden_characters(value: str) -> bool:
    """Tell whether PostgreSQL could not store it: NUL or a lone surrogate."""
    return _UNSTORABLE.search(value) is not None


def normalise_email(value: str) -> str:
    """Return the address trimmed and case-folded, as two people would compare it."""
    return clean_text(value).casefold()


def normalise_phone(given: str, *, region: str) -> str | None:
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


def mask_personal_data(*, key: str, value: Any) -> Any:
    """Return `value` fit for a log: secrets gone, e-mails and phones shortened."""
    if _SECRET_KEY.search(key):
        return "[masked]"
    if not isinstance(value, str):
        return value
    masked = _EMAIL.sub(lambda found: f"{found[0][0]}***@***", value)
    return _PHONE.sub(lambda found: f"***{found[0][-2:]}", masked)

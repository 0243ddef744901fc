"""Which phones can read."""

import phonenumbers
from phonenumbers import PhoneNumberType

# In North America one cannot tell a landline from a mobile by its number.
_TEXTABLE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


def can_text(phone: str) -> bool:
    """Tell whether an SMS to this number (E.164) may arrive."""
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.number_type(number) in _TEXTABLE

"""Phones and e-mails, to be tapped."""

import phonenumbers
from django.utils.html import format_html
from django.utils.safestring import SafeString

CHANNELS = {"sms": "SMS", "email": "E-mail"}


def phone_text(e164: str) -> str:
    """Return a phone as people read it: at home (602) 555-0147, abroad with +."""
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return e164
    style = phonenumbers.PhoneNumberFormat
    at_home = number.country_code == 1
    return phonenumbers.format_number(
        number, style.NATIONAL if at_home else style.INTERNATIONAL
    )


def phone_link(e164: str) -> SafeString | str:
    """Return a link that calls."""
    if not e164:
        return "-"
    return format_html(
        '<a class="fb-link" href="tel:{}">{}</a>', e164, phone_text(e164)
    )


def email_link(address: str) -> SafeString | str:
    """Return a link that writes."""
    if not address:
        return "-"
    return format_html('<a class="fb-link" href="mailto:{}">{}</a>', address, address)

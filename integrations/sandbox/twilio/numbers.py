"""Telephone numbers, and what becomes of a message to each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAGIC = {
    "+15005550001": "invalid",
    "+15005550002": "unroutable",
    "+15005550004": "opted_out",
    "+15005550009": "landline",
}


@dataclass(frozen=True, slots=True)
class Nature:
    """What a number is, and how sending to it ends."""

    line: str = "mobile"
    refused: int | None = None
    """The code by which the call is refused."""
    why: str = ""
    undelivered: int | None = None
    """The code by which a message that was sent is lost."""


NATURES: Mapping[str, Nature] = {
    "mobile": Nature(),
    "voip": Nature("nonFixedVoip"),
    "invalid": Nature(refused=21211, why="is not a valid phone number"),
    "landline": Nature("landline", 21614, "is not a mobile number"),
    "unroutable": Nature(refused=21612, why="cannot be reached from this number"),
    "opted_out": Nature(refused=21610, why="has opted out"),
    "abroad": Nature(refused=21408, why="is in a region that is not allowed"),
    "unverified": Nature(refused=21608, why="is not verified for a trial account"),
    "unreachable": Nature(undelivered=30003),
    "blocked": Nature(undelivered=30004),
    "silent_landline": Nature("landline", undelivered=30006),
    "filtered": Nature(undelivered=30007),
    "unregistered": Nature(undelivered=30034),
}


def wrong_with(number: str) -> str:
    """Return what makes this no telephone number, in Twilio's word, or ""."""
    if not re.fullmatch(r"\+?[\d\s().-]+", number):
        return "NOT_A_NUMBER"
    digits = re.sub(r"\D", "", number)
    shortest, longest = (11, 11) if digits.startswith("1") else (8, 15)
    if len(digits) < shortest:
        return "TOO_SHORT"
    return "TOO_LONG" if len(digits) > longest else ""


def is_e164(number: str) -> bool:
    """Tell whether this is a whole number as it goes over the wire."""
    return bool(re.fullmatch(r"\+[1-9]\d+", number)) and not wrong_with(number)


def looked_up(number: str, nature: Nature, *, fields: set[str]) -> dict[str, Any]:
    """Return what Lookups tells of a number."""
    wrong = wrong_with(number) or ("INVALID_BUT_POSSIBLE" if _is_no(nature) else "")
    digits = re.sub(r"\D", "", number)
    is_north_american = digits.startswith("1")
    body: dict[str, Any] = {
        "phone_number": f"+{digits}",
        "calling_country_code": "1" if is_north_american else digits[:2],
        "country_code": "US" if is_north_american else None,
        "national_format": f"({digits[1:4]}) {digits[4:7]}-{digits[7:]}",
        "valid": not wrong,
        "validation_errors": [wrong] if wrong else [],
        "caller_name": None,
        "line_type_intelligence": None,
        "url": f"https://lookups.twilio.com/v2/PhoneNumbers/+{digits}",
    }
    if "line_type_intelligence" in fields and not wrong:
        body["line_type_intelligence"] = {
            "type": nature.line,
            "carrier_name": "Sandbox Wireless",
            "mobile_country_code": "310" if nature.line == "mobile" else None,
            "mobile_network_code": "999" if nature.line == "mobile" else None,
            "error_code": None,
        }
    return body


def _is_no(nature: Nature) -> bool:
    return nature is NATURES["invalid"]

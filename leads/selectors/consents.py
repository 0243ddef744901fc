"""Questions about what people agreed to be sent."""

from typing import Any

from django.conf import settings
from django.db.models import Case, CharField, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from core.text import normalise_email, normalise_phone
from leads.models import (
    ConsentAction,
    ConsentEvent,
    ConsentKind,
    ContactKind,
    ContactMethod,
    Purpose,
)
from leads.rules.contacts import is_email

_SENT_BY = Case(
    When(kind=ContactKind.PHONE, then=Value(ConsentKind.SMS)),
    default=Value(ConsentKind.EMAIL),
)


def normal_contact(contact: str, kind: ConsentKind) -> str | None:
    """Return the address as consent is kept under it, or None where it is none."""
    if kind == ConsentKind.SMS:
        return normalise_phone(contact, region=settings.DEFAULT_PHONE_REGION)
    email = normalise_email(contact)
    return email if is_email(email) else None


def newest_words(*, address: str, kind: ConsentKind) -> dict[str, ConsentEvent]:
    """Return the newest word on each purpose that was asked for at a normal address."""
    words = ConsentEvent.objects.filter(contact=address, kind=kind)
    newest = words.order_by("purpose", "-at", "-id").distinct("purpose")
    return {word.purpose: word for word in newest}


def may_send(*, contact: str, kind: ConsentKind, purpose: Purpose) -> bool:
    """Tell whether a message of this purpose may go to an address now.

    Messages about one's own visits go unless they were revoked; advertising goes only
    where it was granted, and never where even messages about visits are unwanted.
    """
    address = normal_contact(contact, kind)
    if address is None:
        return False
    words = newest_words(address=address, kind=kind)
    said = {purpose: word.action for purpose, word in words.items()}
    if said.get(Purpose.SERVICE) == ConsentAction.REVOKED:
        return False
    return (
        purpose == Purpose.SERVICE
        or said.get(Purpose.MARKETING) == ConsentAction.GRANTED
    )


def contacts_with_consent() -> QuerySet[Any]:
    """Return contact methods with the newest word on `service` and on `marketing`.

    It is blank where nobody was asked. (Any: a contact method with two more columns.)
    """
    contacts = ContactMethod.objects.annotate(sent_by=_SENT_BY)
    return contacts.annotate(
        service=_newest_word(Purpose.SERVICE),
        marketing=_newest_word(Purpose.MARKETING),
    )


def _newest_word(purpose: Purpose) -> Coalesce:
    words = ConsentEvent.objects.filter(
        contact=OuterRef("value"), kind=OuterRef("sent_by"), purpose=purpose
    )
    newest = Subquery(words.order_by("-at", "-id").values("action")[:1])
    return Coalesce(newest, Value(""), output_field=CharField())

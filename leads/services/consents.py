"""Write down what people agree to be sent, and what they take back."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.db import take_turns
from core.errors import Rejected
from core.events import emit
from leads.models import (
    ConsentAction,
    ConsentEvent,
    ConsentKind,
    Customer,
    Lead,
    Purpose,
)
from leads.selectors import find_customer, newest_words, normal_contact


class UnknownContact(Rejected):
    """Nothing could be sent there."""

    code = "unknown_contact"
    title = "That is no phone and no e-mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A yes or no: at which address, for what, and how it was said.

    `source` is where it came from, as a slug; `text_version` names the words that were
    agreed to, `evidence` holds what was said.
    """

    contact: str
    kind: ConsentKind
    purpose: Purpose
    action: ConsentAction
    source: str
    text_version: str = ""
    evidence: str = ""


@transaction.atomic
def record_consent(
    *,
    word: Word,
    actor: Actor,
    now: datetime,
    at: datetime | None = None,
    customer: Customer | None = None,
    lead: Lead | None = None,
) -> ConsentEvent:
    """Add a word about an address; `at` is when it was said, if that was not now.

    The same word on the same text again adds nothing. A word that is older than the
    newest is kept, and changes nothing of what may be sent.

    Emits:
        consent.granted or consent.revoked
    Raises:
        UnknownContact: it is neither a phone nor an e-mail.
    """
    address = normal_contact(word.contact, word.kind)
    if address is None:
        raise UnknownContact(f"Nothing could be sent to it by {word.kind}.")
    take_turns(f"consent {word.kind} {address}")
    last = newest_words(address=address, kind=word.kind).get(word.purpose)
    if last and (last.action, last.text_version) == (word.action, word.text_version):
        return last
    added = ConsentEvent.objects.create(
        kind=word.kind,
        contact=address,
        purpose=word.purpose,
        action=word.action,
        source=word.source,
        text_version=word.text_version,
        evidence=word.evidence[:500],
        at=at or now,
        customer=customer or _whose(address, word.kind),
        lead=lead,
    )
    _tell(added, actor=actor, now=now)
    return added


def _whose(address: str, kind: ConsentKind) -> Customer | None:
    if kind == ConsentKind.SMS:
        return find_customer(phone=address)
    return find_customer(email=address)


def _tell(added: ConsentEvent, *, actor: Actor, now: datetime) -> None:
    """Emit what was said: no personal data, only ids."""
    emit(
        f"consent.{added.action}",
        of=("consent", added.pk),
        actor=actor,
        now=now,
        data={
            "id": str(added.pk),
            "kind": added.kind,
            "purpose": added.purpose,
            "source": added.source,
            "customer": str(added.customer_id) if added.customer_id else None,
            "lead": str(added.lead_id) if added.lead_id else None,
        },
    )

"""Take in a wish from anywhere, and never lose one."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from core.actors import Actor, Role
from core.db import take_turns
from core.ids import make_reference
from core.models import ZoneZip
from core.text import normalise_email, normalise_phone
from leads.models import ConsentAction, ConsentKind, Lead, LeadFlag, Purpose
from leads.rules.contacts import is_email, is_same_name
from leads.selectors import find_customer
from leads.services.consents import Word, record_consent
from leads.services.record import emit_about

# Somebody who presses the button twice wants one visit.
SAME_WITHIN = timedelta(minutes=10)

_CONTACT_FLAGS = {
    LeadFlag.INVALID_PHONE,
    LeadFlag.INVALID_EMAIL,
    LeadFlag.NO_CONTACT,
    LeadFlag.POSSIBLE_DUPLICATE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadForm:
    """What somebody wrote, whatever sense it makes."""

    name: str
    phone: str = ""
    email: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    service_code: str = ""
    message: str = ""
    source: str = ""
    marketing_consent: bool | None = None
    """Their answer to whether advertising may be sent; None: they were not asked."""
    consent_text_version: str = ""


@transaction.atomic
def receive_lead(*, form: LeadForm, actor: Actor, now: datetime) -> tuple[Lead, bool]:
    """Store a wish, flagged where something is odd; tell whether it is a new one.

    The identical form within ten minutes is the same lead, also when both come at
    once. What they say to advertising counts for the phone and e-mail they gave.

    Emits:
        lead.created, consent.granted, consent.revoked
    """
    fingerprint = _fingerprint(form)
    take_turns(f"lead {fingerprint}")
    twin = (
        Lead.objects.filter(fingerprint=fingerprint, created_at__gt=now - SAME_WITHIN)
        .order_by("-created_at")
        .first()
    )
    if twin is not None:
        _keep_consent(form, twin, actor=actor, now=now)
        return twin, False
    given = _wish(form)
    lead = Lead(
        reference=make_reference("L"),
        fingerprint=fingerprint,
        source=given.pop("source") or _default_source(actor),
        phone_given=given.pop("phone"),
        **given,
    )
    settle_contact(lead)
    settle_place(lead)
    lead.save(force_insert=True)
    emit_about(lead, "lead.created", actor=actor, now=now)
    _keep_consent(form, lead, actor=actor, now=now)
    return lead, True


def settle_contact(lead: Lead) -> None:
    """Make out from what was given how to reach them, and whether we know them."""
    lead.phone = (
        normalise_phone(lead.phone_given, region=settings.DEFAULT_PHONE_REGION) or ""
    )
    lead.email = normalise_email(lead.email)
    email = lead.email if is_email(lead.email) else ""
    lead.customer = find_customer(phone=lead.phone, email=email)
    found = set()
    if lead.phone_given and not lead.phone:
        found.add(LeadFlag.INVALID_PHONE)
    if lead.email and not email:
        found.add(LeadFlag.INVALID_EMAIL)
    if not lead.phone and not email:
        found.add(LeadFlag.NO_CONTACT)
    if lead.customer and not is_same_name(lead.customer.name, lead.name):
        found.add(LeadFlag.POSSIBLE_DUPLICATE)
    _replace_flags(lead, about=_CONTACT_FLAGS, found=found)


def settle_place(lead: Lead) -> None:
    """Make out which branch serves the ZIP."""
    lead.location_id = (
        ZoneZip.objects.location_of(lead.postal_code) if lead.postal_code else None
    )
    nobody_serves_it = bool(lead.postal_code) and lead.location_id is None
    _replace_flags(
        lead,
        about={LeadFlag.OUT_OF_SERVICE_AREA},
        found={LeadFlag.OUT_OF_SERVICE_AREA} if nobody_serves_it else set(),
    )


def _replace_flags(lead: Lead, *, about: set[LeadFlag], found: set[LeadFlag]) -> None:
    kept = {LeadFlag(flag) for flag in lead.flags} - about
    lead.flags = sorted(kept | found)


def _default_source(actor: Actor) -> str:
    if actor.role is Role.ANONYMOUS:
        return "website"
    return "partner" if actor.role is Role.INTEGRATION else "staff"


def _keep_consent(form: LeadForm, lead: Lead, *, actor: Actor, now: datetime) -> None:
    if form.marketing_consent is None:
        return
    yes = form.marketing_consent
    given = [(ConsentKind.SMS, lead.phone)]
    if is_email(lead.email):
        given.append((ConsentKind.EMAIL, lead.email))
    for kind, contact in given:
        if contact:
            record_consent(
                word=Word(
                    contact=contact,
                    kind=kind,
                    purpose=Purpose.MARKETING,
                    action=ConsentAction.GRANTED if yes else ConsentAction.REVOKED,
                    source=f"lead-{lead.source}"[:40],
                    text_version=form.consent_text_version,
                    evidence=f"marketing_consent: {str(yes).lower()}, {lead.reference}",
                ),
                actor=actor,
                now=now,
                customer=lead.customer,
                lead=lead,
            )


def _wish(form: LeadForm) -> dict[str, str]:
    """Return what makes the lead: all but what they said to advertising."""
    asked = {"marketing_consent", "consent_text_version"}
    return {name: value for name, value in asdict(form).items() if name not in asked}


def _fingerprint(form: LeadForm) -> str:
    text = json.dumps(_wish(form), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()

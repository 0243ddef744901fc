"""Make a visit ours that was made at the vendor, with its customer and address."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from appointments.models import Appointment, Service
from appointments.services import Adoption, Plan, adopt
from core.actors import Actor
from core.db import take_turns
from core.errors import Rejected
from core.models import Location
from core.text import clean_text, normalise_email, normalise_phone
from integrations.connectors.origins import default_service
from integrations.models import Connection, ExternalLink
from integrations.rules.mapping import NotMapped, Rule, taken_in, told
from integrations.rules.things import Remote
from integrations.services.sync.applying.finding import locked_link
from integrations.services.sync.links import link_of, list_more
from integrations.services.sync.mappings import actor_for, rules_for
from integrations.services.sync.origins import is_made_there
from integrations.services.sync.records import thing_of
from leads import services as leads
from leads.models import Customer, Lead, LeadStatus, Property
from leads.rules.contacts import is_email

_LONGEST_EMAIL = 254
CUSTOMER, PROPERTY, LEAD = "customer", "property", "lead"
_ENDED = frozenset({LeadStatus.CONVERTED, LeadStatus.DISMISSED})
# The branch and the kind of work are said in words of theirs.
_SERVICE, _LOCATION, _CREW = "service", "location", "technicians"


class CannotBeTakenIn(Rejected):
    """Something of it means nothing here: a person completes the mapping."""

    code = "cannot_be_taken_in"
    title = "The visit cannot be taken in"


@transaction.atomic
def adopted(
    *, connection: Connection, remote: Remote, now: datetime
) -> ExternalLink | None:
    """Write down a visit that was made there; None where it is none, or ours already.

    Its technicians are on it if they are free. The rest is merged as always: then
    whoever could not be put on it is a conflict.

    Raises:
        CannotBeTakenIn: its work or its address means nothing here.
        DomainError: see `appointments.services.adopt`.
    """
    if not remote.parents or not is_made_there(connection, remote, now=now):
        return None
    take_turns(f"adopt {connection.pk} {remote.remote_type} {remote.remote_id}")
    if link_of(connection=connection, remote=remote) is not None:
        return locked_link(connection=connection, remote=remote)
    parents = {parent.kind: parent for parent in remote.parents}
    actor = actor_for(connection)
    customer = _customer(connection, parents.get(CUSTOMER), actor=actor, now=now)
    address = _property(
        connection, parents.get(PROPERTY), customer=customer, actor=actor, now=now
    )
    adoption = _adoption(connection, remote, address=address, lead=parents.get(LEAD))
    visit = adopt(adoption=adoption, actor=actor, now=now)
    return _linked(connection, remote, kind="appointment", object_id=visit.pk)


def _adoption(
    connection: Connection, remote: Remote, *, address: Property, lead: Remote | None
) -> Adoption:
    rules = rules_for(connection=connection, kind="appointment")
    said, _ = taken_in(rules, remote.fields)
    service = _service(connection, remote, rules)
    return Adoption(
        service=service,
        property=address,
        location=_location(connection, _in_our_words(rules, _LOCATION, remote)),
        plan=_plan(remote, said.get(_CREW, ()), service=service),
        lead_id=_open_lead(connection, lead),
        source=connection.vendor,
        notes=clean_text(str(remote.fields.get("summary") or ""))[:4000],
    )


def _plan(remote: Remote, crew: Iterable[str], *, service: Service) -> Plan:
    """Return promise and plan; what they leave out follows from the rest."""
    said = {
        name: datetime.fromisoformat(str(value)).replace(second=0, microsecond=0)
        for name in ("window_starts_at", "window_ends_at", "starts_at", "ends_at")
        if (value := remote.fields.get(name))
    }
    opens = said.get("window_starts_at") or said["starts_at"]
    start = said.get("starts_at") or opens
    end = said.get("ends_at") or start + timedelta(minutes=service.duration_minutes)
    closes = said.get("window_ends_at") or end
    if not opens <= start < closes:
        opens, closes = start, end
    return Plan(
        window_starts_at=opens,
        window_ends_at=closes,
        starts_at=start,
        ends_at=max(end, start + timedelta(minutes=1)),
        technician_ids=tuple(UUID(each) for each in crew),
    )


def _customer(
    connection: Connection, remote: Remote | None, *, actor: Actor, now: datetime
) -> Customer:
    """Return the customer: linked, else known by phone or e-mail, else new."""
    if remote is None:
        raise CannotBeTakenIn("They do not say whose visit it is.")
    link = locked_link(connection=connection, remote=remote)
    if link is not None:
        return Customer.objects.get(pk=link.object_id)
    phone = str(remote.fields.get("phone") or "")
    email = normalise_email(str(remote.fields.get("email") or ""))
    customer = leads.find_or_create_customer(
        name=clean_text(str(remote.fields.get("name") or ""))[:120] or "No name",
        phone=normalise_phone(phone, region=settings.DEFAULT_PHONE_REGION) or "",
        email=email if len(email) <= _LONGEST_EMAIL and is_email(email) else "",
        actor=actor,
        now=now,
    )
    _link_unless_linked(connection, remote, kind=CUSTOMER, object_id=customer.pk)
    return customer


def _property(
    connection: Connection,
    remote: Remote | None,
    *,
    customer: Customer,
    actor: Actor,
    now: datetime,
) -> Property:
    """Return the address: linked, else listed with the customer, else new."""
    if remote is None or not remote.fields.get("line1"):
        raise CannotBeTakenIn("They do not say where it is.")
    link = link_of(connection=connection, remote=remote)
    if link is not None:
        return Property.objects.get(pk=link.object_id)
    fields: dict[str, Any] = {
        name: clean_text(str(remote.fields.get(name) or ""))[:length]
        for name, length in _LENGTHS.items()
    }
    form = leads.PropertyForm(**fields)
    address = leads.find_or_add_property(
        customer=customer, form=form, actor=actor, now=now
    )
    _link_unless_linked(connection, remote, kind=PROPERTY, object_id=address.pk)
    return address


_LENGTHS = {"line1": 200, "line2": 100, "city": 100, "region": 50, "postal_code": 20}


def _service(connection: Connection, remote: Remote, rules: Iterable[Rule]) -> Service:
    """Return the service by the mapping, its own name or code, or the setting.

    Raises:
        CannotBeTakenIn
    """
    word = _in_our_words(rules, _SERVICE, remote)
    services = Service.objects.all()
    found = (
        services.filter(code=word).first()
        or services.filter(name__iexact=word).first()
        or services.filter(code=default_service(connection.settings)).first()
    )
    if found is None:
        raise CannotBeTakenIn(
            f"No service here is {word or 'nothing'!r} there: map appointment.service, "
            "or set the service of visits that are made there."
        )
    return found


def _location(connection: Connection, word: str) -> Location | None:
    """Return the branch that they name; None leaves it to the address."""
    if connection.location is not None:
        return connection.location
    return Location.objects.filter(code=word).first() if word else None


def _in_our_words(rules: Iterable[Rule], field: str, remote: Remote) -> str:
    """Return what they say in our words where the mapping knows them, else in theirs.

    These fields go out only, so a value without a choice is no conflict.
    """
    value = remote.fields.get(field) or ""
    rule = next((rule for rule in rules if rule.field == field), None)
    if rule is None:
        return str(value)
    try:
        return str(rule.ours(value))
    except NotMapped:
        return str(value)


def _open_lead(connection: Connection, remote: Remote | None) -> UUID | None:
    """Return the lead that became the visit there, unless it was closed here."""
    link = link_of(connection=connection, remote=remote) if remote else None
    if link is None:
        return None
    lead = Lead.objects.filter(pk=link.object_id).exclude(status__in=_ENDED).first()
    is_booked = lead and Appointment.objects.filter(lead=lead).exists()
    return lead.pk if lead and not is_booked else None


def _link_unless_linked(
    connection: Connection, remote: Remote, *, kind: str, object_id: UUID
) -> None:
    """Link the two, unless ours has one there: they may list one twice."""
    rows = ExternalLink.objects.filter(
        connection=connection, object_type=kind, object_id=object_id
    )
    if not rows.exists():
        _linked(connection, remote, kind=kind, object_id=object_id)


def _linked(
    connection: Connection, remote: Remote, *, kind: str, object_id: UUID
) -> ExternalLink:
    """Link the two; all that they would be told of the thing, they know."""
    thing = thing_of(kind=kind, object_id=object_id)
    rules = rules_for(connection=connection, kind=kind)
    agreed: dict[str, Any] = told(rules, thing.fields) if thing else {}
    link = ExternalLink.objects.create(
        connection=connection,
        object_type=kind,
        object_id=object_id,
        remote_type=remote.remote_type,
        remote_id=remote.remote_id,
        origin=ExternalLink.Origin.TAKEN_IN,
        agreed=agreed,
    )
    list_more(link, remote)
    return link

"""Change what the office wants beyond free time: caps, and who goes to whom."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from appointments.models import Cap, PreferenceKind, Service, TechnicianPreference
from core.actors import Actor
from core.db import on_breach
from core.errors import Conflict, Invalid, NotFound
from core.events import emit
from core.models import Location, Zone
from leads.models import Customer
from leads.services.customers import locked_customer
from leads.services.record import emit_about_customer
from technicians.models import Technician


class CapListed(Conflict):
    """There is a cap of that kind already: change its number."""

    code = "cap_listed"
    title = "There is such a cap"


@transaction.atomic
def create_cap(
    *,
    location: Location,
    most: int,
    actor: Actor,
    now: datetime,
    service: Service | None = None,
    zone: Zone | None = None,
    weekday: int | None = None,
) -> Cap:
    """Take at most so many visits a day; what is not said means all.

    Visits that are booked already stay, and count.

    Emits:
        cap.changed
    Raises:
        CapListed
        Invalid: the zone is another branch's.
    """
    if zone is not None and zone.location_id != location.pk:
        raise Invalid(
            [
                {
                    "pointer": "/zone",
                    "code": "invalid",
                    "detail": "That zone is another branch's.",
                }
            ]
        )
    cap = Cap(location=location, service=service, zone=zone, weekday=weekday, most=most)
    with on_breach("cap_is_listed_once", CapListed("There is such a cap already.")):
        cap.save(force_insert=True)
    _tell(cap, previous=None, actor=actor, now=now)
    return cap


@transaction.atomic
def change_cap(*, cap_id: UUID, most: int, actor: Actor, now: datetime) -> Cap:
    """Let the cap be so many a day; the same number again changes nothing.

    Emits:
        cap.changed
    Raises:
        NotFound
    """
    cap = _locked_cap(cap_id, actor=actor)
    if cap.most != most:
        previous, cap.most = cap.most, most
        cap.save(update_fields=["most", "updated_at"])
        _tell(cap, previous=previous, actor=actor, now=now)
    return cap


@transaction.atomic
def delete_cap(*, cap_id: UUID, actor: Actor, now: datetime) -> None:
    """Take the cap away.

    Emits:
        cap.changed, with `most` of None
    Raises:
        NotFound
    """
    cap = _locked_cap(cap_id, actor=actor)
    _tell(cap, previous=cap.most, gone=True, actor=actor, now=now)
    cap.delete()


@transaction.atomic
def set_preference(
    *,
    customer_id: UUID,
    technician: Technician,
    kind: PreferenceKind,
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> TechnicianPreference:
    """Write down that the customer prefers the technician, or does not want him.

    One word per technician: the latest. Visits that are booked already stay.

    Emits:
        customer.preference_changed, if it is another word than before
    Raises:
        NotFound: there is no such customer.
    """
    customer = locked_customer(customer_id=customer_id, actor=actor)
    known = TechnicianPreference.objects.filter(
        customer=customer, technician=technician
    ).first()
    if known and (known.kind, known.reason) == (kind, reason):
        return known
    preference = known or TechnicianPreference(customer=customer, technician=technician)
    before = known.kind if known else None
    preference.kind, preference.reason = kind, reason
    preference.save()
    _tell_preference(customer, technician.pk, before, kind, actor=actor, now=now)
    return preference


@transaction.atomic
def delete_preference(
    *, customer_id: UUID, technician_id: UUID, actor: Actor, now: datetime
) -> None:
    """Forget what the customer said of the technician.

    Emits:
        customer.preference_changed
    Raises:
        NotFound: there is no such customer, or nothing to forget.
    """
    customer = locked_customer(customer_id=customer_id, actor=actor)
    known = TechnicianPreference.objects.filter(
        customer=customer, technician=technician_id
    ).first()
    if known is None:
        raise NotFound
    known.delete()
    _tell_preference(customer, technician_id, known.kind, None, actor=actor, now=now)


def _locked_cap(cap_id: UUID, *, actor: Actor) -> Cap:
    visible = Cap.objects.visible_to(actor).filter(pk=cap_id)
    cap = visible.select_for_update(no_key=True, of=("self",)).first()
    if cap is None:
        raise NotFound
    return cap


def _tell(
    cap: Cap, *, previous: int | None, actor: Actor, now: datetime, gone: bool = False
) -> None:
    data: dict[str, Any] = {
        "id": str(cap.pk),
        "location": str(cap.location_id),
        "service": str(cap.service_id) if cap.service_id else None,
        "zone": str(cap.zone_id) if cap.zone_id else None,
        "weekday": cap.weekday,
        "most": None if gone else cap.most,
        "previous": {"most": previous},
    }
    emit(
        "cap.changed",
        of=("cap", cap.pk),
        actor=actor,
        now=now,
        location_id=cap.location_id,
        data=data,
    )


def _tell_preference(
    customer: Customer,
    technician_id: UUID,
    before: str | None,
    after: str | None,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    data = {
        "technician": str(technician_id),
        "kind": after,
        "previous": {"kind": before},
    }
    emit_about_customer(
        customer, "customer.preference_changed", actor=actor, now=now, data=data
    )

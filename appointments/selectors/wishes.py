"""What somebody would like to book, by the roster as it is."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from appointments.models import (
    Appointment,
    PreferenceKind,
    Service,
    TechnicianPreference,
)
from appointments.rules.slots import Override, Wish
from appointments.selectors.roster import Roster, current_roster
from core.errors import Rejected
from core.models import Location
from core.travel import Place, place_at, travel
from leads.models import Property
from leads.rules.places import place_of_zip


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a wish is made from, where it was read along with other things."""

    roster: Roster
    preferred: frozenset[UUID]
    barred: frozenset[UUID]


class OutOfServiceArea(Rejected):
    """No branch serves that ZIP."""

    code = "out_of_service_area"
    title = "Outside of the service area"

    @classmethod
    def of(cls, postal_code: str) -> "OutOfServiceArea":
        return cls(f"We do not serve {postal_code or 'that address'} yet.")


def location_serving(postal_code: str, *, known: Known | None = None) -> Location:
    """Return the branch that serves a ZIP.

    Raises:
        OutOfServiceArea: none does.
    """
    roster = known.roster if known else current_roster()
    if postal_code[:5] not in roster.zips:
        raise OutOfServiceArea.of(postal_code)
    location_id, _ = roster.zips[postal_code[:5]]
    return roster.locations[location_id]


def wish_for(
    *,
    service: Service,
    location: Location,
    postal_code: str,
    now: datetime,
    address: Property | None = None,
    customer_id: UUID | None = None,
    override: Collection[Override] = (),
    known: Known | None = None,
) -> Wish:
    """Return the wish for that service at that address, asked at `now`.

    Where no `address` with coordinates is known, the visit is in the middle of its
    ZIP: a property is given the same place until somebody locates it.
    """
    if customer_id is None and address is not None:
        customer_id = address.customer_id
    wish = wish_on(
        known.roster if known else current_roster(day=now.date()),
        service_id=service.pk,
        location_id=location.pk,
        postal_code=postal_code,
        now=now,
    )
    wish = replace(wish, overridden=frozenset(override))
    return for_customer(wish, customer_id=customer_id, address=address, known=known)


def wish_of(
    visit: Appointment, *, now: datetime, override: Collection[Override] = ()
) -> Wish:
    """Return the wish that a visit stands for."""
    wish = wish_for(
        service=visit.service,
        location=visit.location,
        postal_code=visit.property.postal_code,
        address=visit.property,
        override=override,
        now=now,
    )
    return lasting(wish, minutes=visit.work_minutes)


def lasting(wish: Wish, *, minutes: int | None) -> Wish:
    """Return the wish for work of another length; None: as the service says."""
    if minutes is None:
        return wish
    return replace(wish, minutes=minutes, terms=replace(wish.terms, duration=minutes))


def for_customer(
    wish: Wish,
    *,
    customer_id: UUID | None,
    address: Property | None,
    known: Known | None = None,
) -> Wish:
    """Return the wish of that customer: at the address, by whom he likes."""
    if known is None:
        preferred, barred = _preferences(customer_id)
    else:
        preferred, barred = known.preferred, known.barred
    return replace(
        wish,
        place=_place_of(address) or wish.place,
        preferred=preferred,
        barred=barred,
    )


def wish_on(
    roster: Roster,
    *,
    service_id: UUID,
    location_id: UUID,
    postal_code: str,
    now: datetime,
) -> Wish:
    """Return the wish by that roster, for a visit in the middle of the ZIP."""
    at, zone_id = roster.zips.get(postal_code[:5], (None, None))
    zone_id = zone_id if at == location_id else None
    return Wish(
        terms=roster.terms[service_id],
        branch=roster.branches[location_id],
        zone_id=zone_id,
        now=now,
        place=_middle_of(postal_code),
        caps=tuple(
            cap
            for cap in roster.caps.get(location_id, ())
            if cap.service_id in {None, service_id} and cap.zone_id in {None, zone_id}
        ),
        service_id=service_id,
        postal_code=postal_code,
        version=roster.version,
        travel=travel(),
    )


def renewed(wish: Wish) -> Wish:
    """Return the same wish by the roster as it now is."""
    if wish.service_id is None:
        return wish
    fresh = wish_on(
        current_roster(day=wish.now.date()),
        service_id=wish.service_id,
        location_id=wish.branch.id,
        postal_code=wish.postal_code,
        now=wish.now,
    )
    return replace(
        wish,
        terms=lasting(fresh, minutes=wish.minutes).terms,
        branch=fresh.branch,
        zone_id=fresh.zone_id,
        caps=fresh.caps,
        version=fresh.version,
    )


def _preferences(customer_id: UUID | None) -> tuple[frozenset[UUID], frozenset[UUID]]:
    """Return whom the customer prefers, and whom never to send."""
    if customer_id is None:
        return frozenset(), frozenset()
    rows = TechnicianPreference.objects.filter(customer=customer_id)
    kinds = list(rows.values_list("kind", "technician_id"))
    return (
        frozenset(who for kind, who in kinds if kind == PreferenceKind.PREFERRED),
        frozenset(who for kind, who in kinds if kind == PreferenceKind.BARRED),
    )


def _place_of(address: Property | None) -> Place | None:
    if address is None:
        return None
    return place_at(address.latitude, address.longitude)


@lru_cache(maxsize=10_000)
def _middle_of(postal_code: str) -> Place | None:
    place = place_of_zip(postal_code)
    return place_at(place.latitude, place.longitude) if place else None

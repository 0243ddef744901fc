"""What is out of the ordinary: big jobs, requests, caps, and customers' wishes.

As everywhere in the demo, what is written is what the services would have left behind.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from appointments.models import (
    Appointment,
    Assignment,
    Cap,
    PreferenceKind,
    TechnicianPreference,
)
from appointments.rules import slots
from appointments.rules.slots import Placement, Promise, Wish, to_moment
from appointments.rules.states import Status
from appointments.selectors import capacity
from config.demo.company import Branch, Offer, born
from config.demo.copying import copy_in
from config.demo.customers import Household
from config.demo.data import limits
from config.demo.dice import Dice, reference
from config.demo.events import limit_event, visit_event
from config.demo.stories import snapshot
from core.actors import SYSTEM, Actor
from core.walltime import local_date
from technicians.models import Technician

# References of the fortnight's visits count from one.
_FIRST_NUMBER = 9_000_000
# How far ahead big jobs are planned, in local days.
_FROM, _DAYS = 4, 21
_ASKED = timedelta(hours=2), timedelta(hours=26)
_SAID = timedelta(days=5), timedelta(days=35)


class Special:
    """Writes it, for each branch."""

    def __init__(
        self,
        *,
        homes: Mapping[str, Sequence[Household]],
        offers: Iterable[Offer],
        dispatchers: Mapping[str, Actor],
        website: Actor,
        dice: Dice,
        now: datetime,
    ) -> None:
        self._offers = {offer.plan.code: offer for offer in offers}
        self._dispatchers = dispatchers
        self._website = website
        self._dice = dice
        self._now = now
        self._numbers = count(_FIRST_NUMBER)
        served = set(Appointment.objects.values_list("property_id", flat=True))
        # Those without a visit in the fortnight are free to have one of these.
        self._homes = {
            code: [home for home in households if home.property.pk not in served]
            for code, households in homes.items()
        }

    def plan_jobs(self) -> None:
        """Write big jobs of the coming weeks, and requests that wait for an answer."""
        for code, homes in self._homes.items():
            wanted = [(job, self._dispatchers[code]) for job in limits.JOBS]
            wanted += [(job, self._website) for job in limits.REQUESTS]
            some = self._dice.some(homes, at_most=len(wanted))
            for (job, actor), home in zip(wanted, some, strict=False):
                self._plan(self._offers[job], home, actor=actor)

    def _plan(self, offer: Offer, home: Household, *, actor: Actor) -> None:
        asked_at = self._now - self._dice.between(*_ASKED)
        wish = capacity.wish_for(
            service=offer.service,
            location=home.branch.location,
            postal_code=home.property.postal_code,
            address=home.property,
            now=self._now,
        )
        today = local_date(self._now, zone=wish.branch.zone)
        on_offer = capacity.slots_between(
            wish=wish, first_day=today + timedelta(days=_FROM), days=_DAYS
        )
        if not on_offer:
            return
        promise, ways = self._dice.choice(on_offer)
        is_request = actor is self._website
        visit = self._visit(offer, home, promise, ways[0], asked_at=asked_at)
        visit.status = Status.REQUESTED if is_request else Status.SCHEDULED
        visit.source = "website" if is_request else "staff"
        crew = [] if is_request else self._crew(visit, wish, ways[0], at=asked_at)
        name = "appointment.requested" if is_request else "appointment.booked"
        told = visit_event(
            name,
            visit=visit,
            at=asked_at,
            actor=actor,
            data=snapshot(visit, technicians=_names(ways[0]) if crew else []),
        )
        for row in ([visit], crew, [told]):
            copy_in(row)

    def _visit(
        self,
        offer: Offer,
        home: Household,
        promise: Promise,
        way: Placement,
        *,
        asked_at: datetime,
    ) -> Appointment:
        return Appointment(
            id=self._dice.uuid(asked_at),
            reference=reference("V", next(self._numbers)),
            location=home.branch.location,
            zone=home.zone,
            service=offer.service,
            customer=home.customer,
            property=home.property,
            window_starts_at=promise.starts_at,
            window_ends_at=promise.ends_at,
            starts_at=to_moment(way.start),
            ends_at=to_moment(way.end),
            price_cents=offer.plan.price,
            **born(asked_at),
        )

    def _crew(
        self, visit: Appointment, wish: Wish, way: Placement, *, at: datetime
    ) -> list[Assignment]:
        taken = [slots.occupied_by(wish.terms, part) for part in way.parts]
        return [
            Assignment(
                id=self._dice.uuid(at),
                appointment=visit,
                technician_id=technician_id,
                is_lead=technician_id == way.technicians[0],
                part=number,
                occupied_from=to_moment(span.start),
                occupied_until=to_moment(span.end),
                latitude=visit.property.latitude,
                longitude=visit.property.longitude,
                **born(at),
            )
            for technician_id in way.technicians
            for number, span in enumerate(taken)
        ]

    def note_preferences(self) -> None:
        """Write whom some customers prefer, and whom they do not want."""
        crew = dict[str, list[UUID]]()
        for code, who in _technicians_by_branch():
            crew.setdefault(code, []).append(who)
        for code, homes in self._homes.items():
            size = limits.PREFERRED + limits.BARRED
            some = self._dice.some(homes, at_most=size)
            kinds = [PreferenceKind.PREFERRED] * limits.PREFERRED
            kinds += [PreferenceKind.BARRED] * limits.BARRED
            for kind, home in zip(kinds, some, strict=False):
                self._prefer(code, home, self._dice.choice(crew[code]), kind)

    def _prefer(
        self, code: str, home: Household, technician_id: UUID, kind: PreferenceKind
    ) -> None:
        at = self._now - self._dice.between(*_SAID)
        is_liked = kind is PreferenceKind.PREFERRED
        reasons = limits.WHY_PREFERRED if is_liked else limits.WHY_BARRED
        preference = TechnicianPreference(
            id=self._dice.uuid(at),
            customer=home.customer,
            technician_id=technician_id,
            kind=kind,
            reason=self._dice.choice(reasons),
            **born(at),
        )
        data: dict[str, Any] = {
            "id": str(home.customer.pk),
            "version": home.customer.version,
            "technician": str(technician_id),
            "kind": kind.value,
            "previous": {"kind": None},
        }
        told = limit_event(
            "customer.preference_changed",
            of=("customer", home.customer.pk),
            at=at,
            actor=self._dispatchers[code],
            data=data,
        )
        copy_in([preference])
        copy_in([told])

    def cap_days(self, branches: Mapping[str, Branch]) -> None:
        """Write the caps; the fortnight keeps to them."""
        at = self._now - _SAID[1]
        for plan in limits.CAPS:
            branch = branches[plan.branch]
            zones = {zone.name: zone for zone in branch.zones}
            cap = Cap(
                id=self._dice.uuid(at),
                location=branch.location,
                service=self._offers[plan.service].service if plan.service else None,
                zone=zones[plan.zone] if plan.zone else None,
                weekday=plan.weekday,
                most=plan.most,
                **born(at),
            )
            copy_in([cap])
            copy_in([_capped(cap, at=at)])


def _capped(cap: Cap, *, at: datetime) -> Any:
    data = {
        "id": str(cap.pk),
        "location": str(cap.location_id),
        "service": str(cap.service_id) if cap.service_id else None,
        "zone": str(cap.zone_id) if cap.zone_id else None,
        "weekday": cap.weekday,
        "most": cap.most,
        "previous": {"most": None},
    }
    return limit_event(
        "cap.changed",
        of=("cap", cap.pk),
        at=at,
        actor=SYSTEM,
        data=data,
        location_id=cap.location_id,
    )


def _technicians_by_branch() -> Iterable[tuple[str, UUID]]:
    rows = Technician.objects.filter(is_active=True).order_by("pk")
    return rows.values_list("location__code", "pk")


def _names(way: Placement) -> list[str]:
    return [str(technician_id) for technician_id in way.technicians]

"""Leads of the past four weeks: booked, waiting, dismissed, and odd ones."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from config.demo.company import Branch, Offer, born
from config.demo.customers import (
    Household,
    fictional_phones,
    mailbox,
    street_line,
)
from config.demo.data.words import (
    DISMISSALS,
    FIRST_NAMES,
    LAST_NAMES,
    LEAD_MESSAGES,
    LEAD_SOURCES,
)
from config.demo.diary import PlannedVisit
from config.demo.dice import Dice, reference
from config.demo.events import lead_event
from core.actors import ANONYMOUS, Actor
from core.models import Event
from leads.models import Lead, LeadFlag, LeadStatus

_OUTSIDE = (("Flagstaff", "AZ", "86001"), ("Pueblo", "CO", "81003"))
_NOT_A_PHONE = ("after 5 pm please", "602-55", "see e-mail")
_NOT_AN_EMAIL = "none"
_TAKEN_DOWN = frozenset({"phone", "referral"})  # by a dispatcher, not by a form
_SOON, _LATER = timedelta(hours=1), timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class WishPlan:
    """How many leads of a kind there are, and how old they may be."""

    status: LeadStatus
    flag: LeadFlag | None
    count: int
    oldest: timedelta


WISHES: tuple[WishPlan, ...] = tuple(
    WishPlan(status=status, flag=flag, count=count, oldest=timedelta(days=days))
    for status, flag, count, days in (
        (LeadStatus.NEW, None, 16, 3),
        (LeadStatus.NEW, LeadFlag.OUT_OF_SERVICE_AREA, 3, 4),
        (LeadStatus.NEW, LeadFlag.INVALID_PHONE, 3, 3),
        (LeadStatus.NEW, LeadFlag.INVALID_EMAIL, 2, 3),
        (LeadStatus.NEW, LeadFlag.POSSIBLE_DUPLICATE, 2, 3),
        (LeadStatus.NEW, LeadFlag.NO_CONTACT, 1, 3),
        (LeadStatus.CONTACTED, None, 12, 12),
        (LeadStatus.CONTACTED, LeadFlag.POSSIBLE_DUPLICATE, 2, 12),
        (LeadStatus.DISMISSED, None, 10, 28),
        (LeadStatus.DISMISSED, LeadFlag.OUT_OF_SERVICE_AREA, 4, 28),
        (LeadStatus.DISMISSED, LeadFlag.NO_CONTACT, 1, 28),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A lead with its history."""

    lead: Lead
    events: list[Event]


def inquiry_behind(planned: PlannedVisit, *, number: int, dice: Dice) -> Inquiry:
    """Return the lead from which a visit was booked on the website."""
    came_at = planned.asked_at - dice.between(timedelta(minutes=2), timedelta(hours=1))
    household = planned.household
    lead = _lead(
        dice,
        came_at,
        number=number,
        customer=household.customer,
        name=household.customer.name,
        phone_given=household.phone,
        phone=household.phone,
        email=household.email,
        service_code=planned.offer.plan.code,
        **_address_of(household),
    )
    created = lead_event("lead.created", lead=lead, at=came_at, actor=ANONYMOUS)
    lead.status, lead.converted_at = LeadStatus.CONVERTED, planned.asked_at
    converted = _next_event("lead.converted", lead, planned.asked_at, ANONYMOUS)
    return Inquiry(lead=lead, events=[created, converted])


class Inbox:
    """The leads of all branches that did not become visits."""

    def __init__(
        self,
        *,
        households: Sequence[Household],
        offers: Sequence[Offer],
        dispatchers: Mapping[str, Actor],
        dice: Dice,
    ) -> None:
        self._households = [home for home in households if home.phone]
        self._taken = {home.phone for home in households}
        self._codes = [offer.plan.code for offer in offers if offer.plan.public]
        self._dispatchers = dispatchers
        self._dice = dice

    def fill(self, *, numbers: Iterator[int], now: datetime) -> Iterator[Inquiry]:
        """Yield one lead for each that `WISHES` counts."""
        for plan in WISHES:
            for _ in range(plan.count):
                yield self._inquiry(plan, number=next(numbers), now=now)

    def _inquiry(self, plan: WishPlan, *, number: int, now: datetime) -> Inquiry:
        dice = self._dice
        came_at = now - dice.between(timedelta(minutes=20), plan.oldest)
        home = dice.choice(self._households)
        dispatcher = self._dispatchers[home.branch.plan.code]
        flagged = _SPOILT[plan.flag](home, dice) if plan.flag else {}
        fields = {
            **self._stranger(home.branch),
            **_street_near(home, dice),
            "service_code": dice.choice(self._codes),
            **flagged,
        }
        lead = _lead(dice, came_at, number=number, **fields)
        taken_by = dispatcher if lead.source in _TAKEN_DOWN else ANONYMOUS
        events = [lead_event("lead.created", lead=lead, at=came_at, actor=taken_by)]
        seen_at = min(came_at + dice.between(_SOON, _LATER), now)
        if plan.status is LeadStatus.CONTACTED:
            lead.status = LeadStatus.CONTACTED
            events.append(_next_event("lead.contacted", lead, seen_at, dispatcher))
        elif plan.status is LeadStatus.DISMISSED:
            events.append(_dismiss(lead, seen_at, dispatcher, dice))
        return Inquiry(lead=lead, events=events)

    def _stranger(self, branch: Branch) -> dict[str, Any]:
        """Return who asks: somebody whom we do not know."""
        dice = self._dice
        first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
        phone = dice.choice(
            [number for number in fictional_phones(branch) if number not in self._taken]
        )
        area, line = phone[2:5], phone[8:]
        return {
            "name": f"{first} {last}",
            "phone_given": f"({area}) 555-{line}",
            "phone": phone,
            "email": mailbox(first, last, dice),
            "source": dice.choice(LEAD_SOURCES),
        }


def _lead(dice: Dice, came_at: datetime, *, number: int, **fields: Any) -> Lead:
    return Lead(
        **{
            "id": dice.uuid(came_at),
            "reference": reference("L", number),
            "message": dice.choice(LEAD_MESSAGES),
            "fingerprint": sha256(dice.randbytes(16)).hexdigest(),
            **born(came_at),
            **fields,
        }
    )


def _next_event(
    name: str, lead: Lead, at: datetime, actor: Actor, *, reason: str = ""
) -> Event:
    """Return the event of a change just made to the lead."""
    lead.version += 1
    lead.updated_at = at
    return lead_event(name, lead=lead, at=at, actor=actor, reason=reason)


def _dismiss(lead: Lead, at: datetime, actor: Actor, dice: Dice) -> Event:
    lead.status, lead.dismissed_at = LeadStatus.DISMISSED, at
    lead.dismissal_reason = dice.choice(DISMISSALS)
    return _next_event("lead.dismissed", lead, at, actor, reason=lead.dismissal_reason)


def _address_of(home: Household) -> dict[str, Any]:
    address = home.property
    parts = ("line1", "line2", "city", "region", "postal_code")
    return {part: getattr(address, part) for part in parts} | {
        "location": home.branch.location
    }


def _street_near(home: Household, dice: Dice) -> dict[str, Any]:
    """Return an address in somebody's ZIP."""
    return _address_of(home) | {"line1": street_line(dice), "line2": ""}


def _outside(home: Household, dice: Dice) -> dict[str, Any]:
    city, region, postal_code = dice.choice(_OUTSIDE)
    return {
        "flags": [LeadFlag.OUT_OF_SERVICE_AREA],
        "city": city,
        "region": region,
        "postal_code": postal_code,
        "location": None,
    }


def _invalid_phone(home: Household, dice: Dice) -> dict[str, Any]:
    return {
        "flags": [LeadFlag.INVALID_PHONE],
        "phone_given": dice.choice(_NOT_A_PHONE),
        "phone": "",
    }


def _invalid_email(home: Household, dice: Dice) -> dict[str, Any]:
    return {"flags": [LeadFlag.INVALID_EMAIL], "email": _NOT_AN_EMAIL}


def _possible_duplicate(home: Household, dice: Dice) -> dict[str, Any]:
    """Somebody else calls from a number that we know."""
    return {
        "flags": [LeadFlag.POSSIBLE_DUPLICATE],
        "phone_given": home.phone,
        "phone": home.phone,
        "customer": home.customer,
    }


def _no_contact(home: Household, dice: Dice) -> dict[str, Any]:
    return {
        "flags": [LeadFlag.NO_CONTACT],
        "phone_given": "",
        "phone": "",
        "email": "",
    }


_SPOILT: dict[LeadFlag, Callable[[Household, Dice], dict[str, Any]]] = {
    LeadFlag.OUT_OF_SERVICE_AREA: _outside,
    LeadFlag.INVALID_PHONE: _invalid_phone,
    LeadFlag.INVALID_EMAIL: _invalid_email,
    LeadFlag.POSSIBLE_DUPLICATE: _possible_duplicate,
    LeadFlag.NO_CONTACT: _no_contact,
}

"""Leads of the past four weeks: booked, waiting, dismissed, and odd ones."""

from collections.abc import Callable, Iterator, Sequence
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
from config.demo.dice import Dice
from leads.models import Lead, LeadFlag, LeadStatus

_OUTSIDE = (("Flagstaff", "AZ", "86001"), ("Pueblo", "CO", "81003"))
_NOT_A_PHONE = ("after 5 pm please", "602-55", "see e-mail")
_NOT_AN_EMAIL = "none"
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


def lead_of(planned: PlannedVisit, *, dice: Dice) -> Lead:
    """Return the lead from which a visit was booked on the website."""
    came_at = planned.asked_at - dice.between(timedelta(minutes=2), timedelta(hours=1))
    household = planned.household
    return _lead(
        dice,
        came_at,
        status=LeadStatus.CONVERTED,
        converted_at=planned.asked_at,
        customer=household.customer,
        name=household.customer.name,
        phone_given=household.phone,
        phone=household.phone,
        email=household.email,
        service_code=planned.offer.plan.code,
        **_address_of(household),
    )


class Inbox:
    """The leads that did not become visits, of all branches."""

    def __init__(
        self, *, households: Sequence[Household], offers: Sequence[Offer], dice: Dice
    ) -> None:
        self._households = [home for home in households if home.phone]
        self._taken = {home.phone for home in households}
        self._codes = [offer.plan.code for offer in offers if offer.plan.public]
        self._dice = dice

    def fill(self, *, now: datetime) -> Iterator[Lead]:
        """Yield one lead for each that `WISHES` counts."""
        for plan in WISHES:
            for _ in range(plan.count):
                yield self._lead(plan, now=now)

    def _lead(self, plan: WishPlan, *, now: datetime) -> Lead:
        dice = self._dice
        came_at = now - dice.between(timedelta(minutes=20), plan.oldest)
        home = dice.choice(self._households)
        flagged = _SPOILT[plan.flag](home, dice) if plan.flag else {}
        return _lead(
            dice,
            came_at,
            **{
                **self._stranger(home.branch),
                **_street_near(home, dice),
                "service_code": dice.choice(self._codes),
                "status": plan.status,
                **flagged,
                **_dismissal(plan, came_at, dice=dice, now=now),
            },
        )

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


def _lead(dice: Dice, came_at: datetime, **fields: Any) -> Lead:
    return Lead(
        **{
            "id": dice.uuid(came_at),
            "message": dice.choice(LEAD_MESSAGES),
            "fingerprint": sha256(dice.randbytes(16)).hexdigest(),
            **born(came_at),
            **fields,
        }
    )


def _address_of(home: Household) -> dict[str, Any]:
    address = home.property
    parts = ("line1", "line2", "city", "region", "postal_code")
    return {part: getattr(address, part) for part in parts} | {
        "location": home.branch.location
    }


def _street_near(home: Household, dice: Dice) -> dict[str, Any]:
    """Return an address in somebody's ZIP."""
    return _address_of(home) | {"line1": street_line(dice), "line2": ""}


def _dismissal(
    plan: WishPlan, came_at: datetime, *, dice: Dice, now: datetime
) -> dict[str, Any]:
    if plan.status is not LeadStatus.DISMISSED:
        return {}
    return {
        "dismissed_at": min(came_at + dice.between(_SOON, _LATER), now),
        "dismissal_reason": dice.choice(DISMISSALS),
    }


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

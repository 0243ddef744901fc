"""Customers: who they are, how to reach them, where they live."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.demo.company import Branch, born
from config.demo.copying import copy_in
from config.demo.data.words import (
    ACCESS_NOTES,
    BUSINESSES,
    FIRST_NAMES,
    LAST_NAMES,
    STREET_SIDES,
    STREETS,
    UNITS,
)
from config.demo.dice import Dice
from core.models import Zone
from leads.models import ContactKind, ContactMethod, Customer, Property

_MAIL_HOSTS = ("example.com", "example.net", "example.org")
_ONE_YEAR = timedelta(days=365)
# 555-0142 and the like, in the welcome text, the README and the API's examples.
_NEWCOMERS = frozenset({42, 47})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Household:
    """A customer with one address and the zone in which it lies."""

    branch: Branch
    zone: Zone
    customer: Customer
    property: Property
    phone: str
    email: str


def welcome(
    branch: Branch, *, count: int, dice: Dice, now: datetime
) -> list[Household]:
    """Write `count` customers of a branch."""
    phones = iter(dice.some(fictional_phones(branch), at_most=count))
    households = [_household(branch, next(phones), dice, now) for _ in range(count)]
    copy_in([household.customer for household in households])
    copy_in([household.property for household in households])
    copy_in([row for household in households for row in _contacts(household)])
    return households


def _household(branch: Branch, phone: str, dice: Dice, now: datetime) -> Household:
    since = now - dice.between(timedelta(days=40), 2 * _ONE_YEAR)
    first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
    business = dice.chance(0.06)
    zone, place = dice.choice(branch.places)
    latitude, longitude = place.point_nearby(dice)
    customer = Customer(
        id=dice.uuid(since),
        name=f"{last} {dice.choice(BUSINESSES)}" if business else f"{first} {last}",
        **born(since),
    )
    address = Property(
        id=dice.uuid(since),
        customer=customer,
        line1=street_line(dice),
        line2=dice.choice(UNITS) if dice.chance(0.15) else "",
        city=place.city,
        region=place.region,
        postal_code=place.postal_code,
        latitude=latitude,
        longitude=longitude,
        access_notes=dice.choice(ACCESS_NOTES) if dice.chance(0.2) else "",
        **born(since),
    )
    return Household(
        branch=branch,
        zone=zone,
        customer=customer,
        property=address,
        phone=phone if dice.chance(0.96) else "",
        email=mailbox(first, last, dice),
    )


def street_line(dice: Dice) -> str:
    """Return a number and street, such as `4410 E Juniper St`."""
    parts = (str(dice.randint(100, 9899)), dice.choice(STREET_SIDES))
    return " ".join(part for part in (*parts, dice.choice(STREETS)) if part)


def mailbox(first: str, last: str, dice: Dice) -> str:
    """Return an address on a host that no mail ever reaches."""
    return f"{first}.{last}{dice.randint(1, 99)}@{dice.choice(_MAIL_HOSTS)}".lower()


def _contacts(household: Household) -> Iterable[ContactMethod]:
    ways = ((ContactKind.PHONE, household.phone), (ContactKind.EMAIL, household.email))
    for kind, value in ways:
        if value:
            yield ContactMethod(customer=household.customer, kind=kind, value=value)


def fictional_phones(branch: Branch) -> list[str]:
    """Return the numbers kept for fiction, 555-0101 to 555-0199, of a branch.

    All but those with which newcomers try the API: they are to be strangers.
    """
    return [
        f"+1{area_code}55501{line:02}"
        for area_code in branch.plan.area_codes
        for line in range(1, 100)
        if line not in _NEWCOMERS
    ]

"""Half a million customers, told apart by a number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from config.demo.company import Branch
from config.demo.copying import copy_rows
from config.demo.customers import street_line
from config.demo.data.words import FIRST_NAMES, LAST_NAMES
from config.demo.dice import Dice
from config.demo.places import Place
from config.progress import Bar
from leads.models import ContactKind, ContactMethod, Customer, Property

_BATCH = 10_000
_OLDEST, _YOUNGEST = timedelta(days=1200), timedelta(days=730)
# Area code 555 is assigned to nobody: whoever is called there, nobody answers.
_FIRST_PHONE = 15_552_000_000
_WITH_EMAIL = 0.7


@dataclass(frozen=True, slots=True)
class Regular:
    """A customer as visits need one."""

    number: int
    customer_id: UUID
    property_id: UUID
    place: Place


def name_of(number: int) -> tuple[str, str]:
    """Return the first and last name of the n-th customer."""
    first = FIRST_NAMES[number % len(FIRST_NAMES)]
    last = LAST_NAMES[number // len(FIRST_NAMES) * 7 % len(LAST_NAMES)]
    return first, last


def phone_of(number: int) -> str:
    """Return the phone of the n-th customer."""
    return f"+{_FIRST_PHONE + number}"


def email_of(number: int) -> str:
    """Return the e-mail of the n-th customer, who may have given none."""
    first, last = name_of(number)
    return f"{first}.{last}.{number}@example.com".lower()


def fill_town(
    branch: Branch, numbers: range, *, dice: Dice, now: datetime, bar: Bar
) -> list[Regular]:
    """Write a branch's customers with a phone, an address, and mostly an e-mail."""
    regulars: list[Regular] = []
    for start in range(numbers.start, numbers.stop, _BATCH):
        batch = range(start, min(start + _BATCH, numbers.stop))
        people = list(_people(branch, batch, dice=dice, now=now))
        copy_rows(Customer, _CUSTOMER, (person.customer for person in people))
        copy_rows(Property, _PROPERTY, (person.address for person in people))
        copy_rows(ContactMethod, _CONTACT, _contacts(people, dice))
        regulars += [person.regular for person in people]
        bar.advance(len(people))
    return regulars


_CUSTOMER = ("id", "name", "notes", "version", "created_at", "updated_at")
_PROPERTY = (
    "id",
    "customer_id",
    "line1",
    "line2",
    "city",
    "region",
    "postal_code",
    "latitude",
    "longitude",
    "access_notes",
    "created_at",
    "updated_at",
)
_CONTACT = ("customer_id", "kind", "value", "is_primary")


@dataclass(frozen=True, slots=True)
class _Person:
    regular: Regular
    customer: Sequence[Any]
    address: Sequence[Any]


def _people(
    branch: Branch, numbers: range, *, dice: Dice, now: datetime
) -> Iterator[_Person]:
    for number in numbers:
        since = now - dice.between(_YOUNGEST, _OLDEST)
        _, place = branch.places[number % len(branch.places)]
        latitude, longitude = place.point_nearby(dice)
        customer_id, property_id = dice.uuid(since), dice.uuid(since)
        yield _Person(
            Regular(number, customer_id, property_id, place),
            (customer_id, " ".join(name_of(number)), "", 1, since, since),
            (
                property_id,
                customer_id,
                street_line(dice),
                "",
                place.city,
                place.region,
                place.postal_code,
                latitude,
                longitude,
                "",
                since,
                since,
            ),
        )


def _contacts(people: Sequence[_Person], dice: Dice) -> Iterator[Sequence[Any]]:
    for person in people:
        customer_id, number = person.regular.customer_id, person.regular.number
        yield customer_id, ContactKind.PHONE.value, phone_of(number), True
        if dice.chance(_WITH_EMAIL):
            yield customer_id, ContactKind.EMAIL.value, email_of(number), True

"""What can be booked: the question that is asked most, in one query."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from appointments.models import Service
from appointments.rules import slots
from appointments.rules.slots import Placement, Promise, Wish
from appointments.selectors import capacity
from appointments.selectors.capacity import RosterChanged
from appointments.selectors.roster import Roster, current_roster, known_roster
from appointments.selectors.wishes import OutOfServiceArea, for_customer, wish_on
from core.errors import NotFound, Rejected, Unavailable
from core.walltime import local_date
from leads.models import Property

# A roster that changes as often as that while one question is answered is no roster.
_TRIES = 5


class UnknownService(Rejected):
    """Nothing of that code is sold to the asker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which service, where, from which local day on, and asked by whom.

    The ZIP names the branch unless `location_id` does. `by_whom` asks for the
    technicians too. Where the customer's `address` is known, the ways are measured
    from there, and whom he prefers and bars counts. `own` are a visit to be moved and
    one's own hold (R11, R12).
    """

    service: str
    postal_code: str
    now: datetime
    days: int
    public_only: bool
    by_whom: bool
    location_id: UUID | None = None
    first_day: date | None = None
    technician_id: UUID | None = None
    address: Property | None = None
    own: Collection[UUID] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """The promises that can be kept, and by whom, the best placed first."""

    service: Service
    wish: Wish
    promises: list[tuple[Promise, list[UUID]]]


def availability(question: Question) -> Availability:
    """Return what can be booked at `question.now`.

    It is worked out from the roster that the process keeps; the one query that reads
    taken time tells whether that roster still holds. If not, it is all done again.

    Raises:
        UnknownService, OutOfServiceArea
        NotFound: there is no such branch.
    """
    roster = known_roster(day=_since(question))
    for _ in range(_TRIES):
        try:
            return _answer(question, roster)
        except (RosterChanged, Rejected, NotFound) as refusal:
            latest = current_roster(day=_since(question))
            if latest is roster and not isinstance(refusal, RosterChanged):
                raise
            roster = latest
    raise Unavailable("The company's calendar is being changed. Please try again.")


def sold(code: str, *, public_only: bool, roster: Roster) -> Service:
    """Return the service of that code, if it is sold (to visitors).

    Raises:
        UnknownService
    """
    service = roster.services.get(code)
    if service is None or not service.is_active:
        raise UnknownService("There is no such service.")
    if public_only and not service.is_public:
        raise UnknownService("There is no such service.")
    return service


def _since(question: Question) -> date:
    return min(question.first_day or date.max, question.now.date())


def _answer(question: Question, roster: Roster) -> Availability:
    service = sold(question.service, public_only=question.public_only, roster=roster)
    wish = _wish(question, service, roster)
    today = local_date(wish.now, zone=wish.branch.zone)
    wish, workers, days = capacity.facts_for(
        wish,
        first_day=question.first_day or today,
        days=question.days,
        technician_id=question.technician_id,
        own=question.own,
    )
    if question.by_whom:
        found = [
            (
                promise,
                list(dict.fromkeys(who for way in ways for who in way.technicians)),
            )
            for promise, ways in slots.offers(wish, workers, days)
        ]
    else:
        found = [(promise, []) for promise in slots.offered(wish, workers, days)]
    return Availability(service=service, wish=wish, promises=found)


def _best_first(ways: Iterable[Placement]) -> list[UUID]:
    return list(dict.fromkeys(who for way in ways for who in way.technicians))


def _wish(question: Question, service: Service, roster: Roster) -> Wish:
    location_id, _ = roster.zips.get(question.postal_code[:5], (None, None))
    if location_id is None:
        raise OutOfServiceArea.of(question.postal_code)
    location_id = question.location_id or location_id
    if location_id not in roster.branches:
        raise NotFound
    wish = wish_on(
        roster,
        service_id=service.pk,
        location_id=location_id,
        postal_code=question.postal_code,
        now=question.now,
    )
    if question.address is None:
        return wish
    return for_customer(
        wish, customer_id=question.address.customer_id, address=question.address
    )

"""The reckoning: what was acknowledged, against what both sides and the listener have.

Who is asked here is the database by plain rows and the vendor's own tables: none of
the code that did the work.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings

from appointments.models import Appointment
from appointments.rules.states import Status
from core.models import Event, OutboxMessage
from integrations.models import InboundEvent, SyncConflict
from integrations.sandbox.world import World
from leads.models import Customer, Lead, Property
from tests.chaos.books import (
    by_reference,
    our_crews,
    taken_in,
    their_crews,
    twice,
)
from tests.chaos.listener import Listener
from tests.chaos.office import Doings
from tests.chaos.people import Ledger
from tests.chaos.town import rows_of
from tests.races import audit

_TELLS = "integrations.handlers.tell_subscribers"
_OFF = (Status.CANCELLED, Status.NO_SHOW)


@dataclass(slots=True)
class Account:
    """What came out; each list names the things that are not as they should be."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    """Both sides differ, and no conflict says why."""
    broken: list[str] = field(default_factory=list)
    """Rules of our own that do not hold: overlaps, gaps in the history, order."""
    unfinished: list[str] = field(default_factory=list)
    """Given up: dead letters and dead callbacks, which a person would have to see."""
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def is_clean(self) -> bool:
        return not self.problems

    @property
    def problems(self) -> list[str]:
        return [
            *(f"lost: {each}" for each in self.lost),
            *(f"doubled: {each}" for each in self.doubled),
            *(f"differs: {each}" for each in self.differing),
            *(f"broken: {each}" for each in self.broken),
            *(f"given up: {each}" for each in self.unfinished),
        ]


def settle(
    *, ledger: Ledger, doings: Doings, world: World, listener: Listener
) -> Account:
    """Compare everything with everything."""
    account = Account()
    _acknowledged(account, ledger)
    _customers(account, world)
    _leads(account, world)
    _visits(account, world)
    _subscriber(account, listener)
    _acts(account, doings)
    _rules(account)
    _given_up(account)
    return account


def _acknowledged(account: Account, ledger: Ledger) -> None:
    """All that we said yes to is in the database, no older than we said."""
    known: tuple[tuple[str, Iterable[str], Any], ...] = (
        ("lead", ledger.leads, Lead),
        ("customer", ledger.customers, Customer),
        ("visit", ledger.visits, Appointment),
    )
    for name, ids, model in known:
        there = {str(pk) for pk in model.objects.values_list("pk", flat=True)}
        account.lost += [f"{name} {each}, acknowledged" for each in set(ids) - there]
        account.counts[f"{name}s acknowledged"] = len(set(ids))
    versions = dict(Appointment.objects.values_list("pk", "version"))
    by_id = {str(pk): version for pk, version in versions.items()}
    account.lost += [
        f"a change of visit {pk}: version {said['version']} was acknowledged"
        for pk, said in ledger.visits.items()
        if by_id.get(pk, 0) < said["version"]
    ]


def _customers(account: Account, world: World) -> None:
    """Who has an address is known there once, by the same name and address."""
    known = {there: str(ours) for there, ours in taken_in("customer").items()}
    theirs = by_reference(rows_of(world, "customers"), taken_in=known)
    addressed = set(Property.objects.values_list("customer_id", flat=True))
    for customer in Customer.objects.filter(pk__in=addressed):
        rows = theirs.pop(str(customer.pk), [])
        _once(account, f"customer {customer.pk}", rows)
        if rows and rows[0]["name"] != customer.name:
            _explain(account, "customer", customer.pk, "name", rows[0]["name"])
    account.doubled += [f"customer {each} that is not ours" for each in theirs]
    phones = [
        row["value"]
        for row in rows_of(world, "contacts")
        if row["type"] == "MobilePhone" and row.get("customerId")
    ]
    account.doubled += [f"customer with {each}" for each in twice(phones)]
    streets = [row["address"]["street"] for row in rows_of(world, "locations")]
    account.doubled += [f"location {each}" for each in twice(streets)]
    account.counts["customers there"] = len(rows_of(world, "customers"))
    account.counts["locations there"] = len(streets)


def _leads(account: Account, world: World) -> None:
    """Each wish is a booking there once, unless it was closed before they heard."""
    theirs = defaultdict(list)
    for row in rows_of(world, "bookings"):
        theirs[row.get("externalId")].append(row)
    for lead in Lead.objects.all():
        rows = theirs.pop(lead.reference, [])
        if rows or lead.converted_at is None:
            _once(account, f"lead {lead.reference}", rows)
    account.doubled += [f"booking {each} that is not ours" for each in theirs]
    account.counts["bookings there"] = len(rows_of(world, "bookings"))


def _visits(account: Account, world: World) -> None:
    """Each visit is a job there once, with the same time, end and crew."""
    references = dict(Appointment.objects.values_list("pk", "reference"))
    known = {there: references[ours] for there, ours in taken_in("job").items()}
    jobs = by_reference(rows_of(world, "jobs"), taken_in=known)
    times = defaultdict(list)
    for row in rows_of(world, "appointments"):
        times[row["jobId"]].append(row)
    crews = their_crews(world)
    ours = our_crews()
    account.doubled += [
        f"job of customer {each}"
        for each in twice(row["customerId"] for row in rows_of(world, "jobs"))
    ]
    for visit in Appointment.objects.all():
        rows = jobs.pop(visit.reference, [])
        if not rows and visit.status in _OFF:
            account.counts["visits called off before they heard"] += 1
            continue
        _once(account, f"visit {visit.reference}", rows)
        if len(rows) == 1:
            [there] = times[rows[0]["id"]]
            crew = crews[there["id"]]
            _compare(account, visit, rows[0], there, crew == ours[visit.pk])
    account.doubled += [f"job {each} that is not ours" for each in jobs]
    account.counts["jobs there"] = len(rows_of(world, "jobs"))


def _compare(
    account: Account,
    visit: Appointment,
    job: Mapping[str, Any],
    there: Mapping[str, Any],
    same_crew: bool,
) -> None:
    is_off = visit.status in _OFF
    if is_off != (job["jobStatus"] == "Canceled"):
        said = f"{visit.status} here, {job['jobStatus']} there"
        _explain(account, "appointment", visit.pk, "status", said)
    if is_off:
        return
    promised = there["arrivalWindowStart"] or there["start"]
    for field_, theirs in (
        ("window_starts_at", promised),
        ("starts_at", there["start"]),
        ("ends_at", there["end"]),
    ):
        mine, their = getattr(visit, field_), datetime.fromisoformat(theirs)
        if mine != their:
            said = f"{mine:%m-%d %H:%M} here, {their:%m-%d %H:%M} there"
            _explain(account, "appointment", visit.pk, field_, said)
    if not same_crew:
        _explain(account, "appointment", visit.pk, "technicians", "another crew")


def _subscriber(account: Account, listener: Listener) -> None:
    """Every event came, under one webhook-id, and those of a thing in order."""
    names = [name for name, to in settings.EVENT_HANDLERS.items() if _TELLS in to]
    told = {
        (str(thing), number)
        for thing, number in Event.objects.filter(name__in=names).values_list(
            "aggregate_id", "number"
        )
    }
    heard = set(listener.first)
    account.lost += [f"event {each} for the subscriber" for each in told - heard]
    account.broken += [f"event {each} that never was" for each in heard - told]
    account.broken += [f"event {each} under two ids" for each in listener.under_two_ids]
    account.broken += [f"event {each} out of order" for each in listener.out_of_order]
    if listener.unsigned:
        account.broken.append(f"{listener.unsigned} deliveries with a bad signature")
    account.counts["events for the subscriber"] = len(told)
    repeated = sum(listener.ids.values()) - len(listener.ids)
    account.counts["of them heard again, by the same webhook-id"] = repeated


def _acts(account: Account, doings: Doings) -> None:
    """What they did is ours, or a conflict says why not."""
    account.counts["acts at the vendor"] = len(doings.acts)
    conflicts = Counter(
        SyncConflict.objects.filter(resolved_at=None).values_list(
            "object_id", flat=True
        )
    )
    by_id = {str(visit.pk): visit for visit in Appointment.objects.all()}
    by_id |= _booked_there()
    last = {act.object_id: act for act in doings.acts}
    for act in last.values():
        visit = by_id.get(act.object_id)
        if visit is None:
            account.lost.append(f"the visit that {act.object_id} was promised there")
            continue
        if act.kind == "cancel":
            is_ours = visit.status == Status.CANCELLED
        else:
            is_ours = visit.window_starts_at == datetime.fromisoformat(act.wanted)
        if is_ours:
            account.counts["acts that are ours now"] += 1
        elif conflicts[visit.pk]:
            account.counts["acts that a conflict keeps"] += 1
        else:
            account.lost.append(f"their {act.kind} of visit {visit.reference}")


def _booked_there() -> dict[str, Appointment]:
    """Return what was taken in, by the customer's name."""
    visits = Appointment.objects.filter(pk__in=taken_in("appointment").values())
    return {visit.customer.name: visit for visit in visits.select_related("customer")}


def _rules(account: Account) -> None:
    """What must hold in the database after anything whatever."""
    try:
        audit.audit_rows()
    except AssertionError as wrong:
        account.broken.append(str(wrong))
    again = twice(
        SyncConflict.objects.filter(resolved_at=None).values_list(
            "object_type", "object_id", "field"
        )
    )
    account.broken += [f"two conflicts about {each}" for each in again]
    account.counts["open conflicts"] = SyncConflict.objects.filter(
        resolved_at=None
    ).count()


def _given_up(account: Account) -> None:
    dead = OutboxMessage.objects.filter(status__in=["dead", "parked"])
    account.unfinished += [
        f"{row.kind} {row.aggregate_type} {row.aggregate_id}: {row.last_error}"
        for row in dead
    ]
    account.unfinished += [
        f"callback {row.pk} {row.event_type}: {row.note}"
        for row in InboundEvent.objects.filter(state="dead")
    ]
    for row in Event.objects.exclude(failed_at=None):
        account.unfinished.append(f"event {row.name}: {row.last_error}")


# --- What they need for that -----------------------------------------------------


def _once(account: Account, name: str, rows: list[Any]) -> None:
    if not rows:
        account.lost.append(f"{name} is not there")
    if len(rows) > 1:
        account.doubled.append(f"{name} is there {len(rows)} times")


def _explain(account: Account, kind: str, pk: Any, name: str, said: str) -> None:
    """Count a difference that a conflict explains; note one that nothing does."""
    known = SyncConflict.objects.filter(
        object_type=kind, object_id=pk, resolved_at=None
    )
    if known.exists():
        account.counts["differences that a conflict explains"] += 1
    else:
        account.differing.append(f"{kind} {pk}, {name}: {said}")

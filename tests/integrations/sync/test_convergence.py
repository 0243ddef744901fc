"""Whatever both sides and the net between them do: in the end they say the same.

Each example plays a day of work on both sides, with lost answers, errors, workers that
die and changes that move no time. Then all is well again, and what waits is done.
"""

import os
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.utils import timezone

from appointments.models import Appointment
from appointments.services import assign, cancel, reschedule, unassign
from core.actors import SYSTEM
from core.errors import DomainError
from core.models import OutboxMessage
from core.models.outbox import OutboxStatus
from integrations.models import (
    ConnectionHealth,
    ExternalLink,
    InboundEvent,
    InboundState,
    PollCursor,
    SyncConflict,
)
from integrations.sandbox.faults import Kind, Rule
from integrations.services.inbox.processing import process_inbound
from integrations.services.sync import (
    links,
    poll_connection,
    reconcile_connection,
    tell,
)
from leads.models import Customer
from tests.factories import (
    DAY,
    HOUR,
    NOW,
    TOMORROW,
    local,
    make_customer,
    make_service,
)
from tests.integrations.sync.company import make_visit
from tests.integrations.sync.crm import Crm, publish, send_again

pytestmark = pytest.mark.django_db

# A longer run: SYNC_EXAMPLES=50 ./test tests/integrations/sync/test_convergence.py
EXAMPLES = int(os.environ.get("SYNC_EXAMPLES", "4"))
FIRST = int(os.environ.get("SYNC_FIRST", "0"))
STEPS = 40
ROUNDS = 5
FAULTS = (
    Rule(kind=Kind.CUT_AFTER, share=0.3),
    Rule(kind=Kind.ERROR, share=0.3, status=503, handled=True),
    Rule(kind=Kind.TRUNCATED, share=0.3),
    Rule(kind=Kind.THROTTLE, share=0.3, seconds=0),
    Rule(kind=Kind.FORGOTTEN_UPDATED_AT),
)


class Killed(BaseException):
    """kill -9: nobody catches it."""


class Day:
    """A day of work on both sides of one connection."""

    def __init__(self, crm: Crm, connection, crew, seed: int) -> None:
        self.crm, self.connection, self.crew = crm, connection, crew
        self.dice = random.Random(seed)  # noqa: S311  # no secret
        self.customers: list[Customer] = []

    def play(self) -> None:
        steps: list[Callable[[], None]] = [
            self.book,
            self.book,
            self.move_here,
            self.reassign_here,
            self.cancel_here,
            self.book_there,
            self.move_there,
            self.move_there,
            self.reassign_there,
            self.cancel_there,
            self.work_there,
            self.deliver,
            self.deliver,
            self.deliver_and_die,
            self.hear,
            self.change_the_weather,
        ]
        for _ in range(STEPS):
            with suppress(DomainError, ValueError):
                self.dice.choice(steps)()

    # --- Here -------------------------------------------------------------------

    def book(self) -> None:
        if not self.customers or self.dice.random() < 0.4:
            number = len(self.customers)
            self.customers.append(
                make_customer(phone=f"+160255502{number:02}", name=f"Ada {number}")
            )
        taken = Counter(
            Appointment.objects.values_list("assignments__technician", "starts_at")
        )
        free = [
            (technician, local(TOMORROW, hour))
            for technician in self.crew
            for hour in (8, 10, 12, 14)
            if not taken[(technician.pk, local(TOMORROW, hour))]
        ]
        if free:
            technician, start = self.dice.choice(free)
            make_visit(
                technician, customer=self.dice.choice(self.customers), starts_at=start
            )
            visit = Appointment.objects.latest("created_at")
            self.tell(visit)

    def move_here(self) -> None:
        reschedule(starts_at=self.some_hour(), **self.some_visit())

    def reassign_here(self) -> None:
        if self.dice.random() < 0.3:
            unassign(**self.some_visit())
        else:
            assign(technician_id=self.dice.choice(self.crew).pk, **self.some_visit())

    def cancel_here(self) -> None:
        cancel(reason="Rain", **self.some_visit())

    # --- There ------------------------------------------------------------------

    def book_there(self) -> None:
        start = self.some_hour()
        self.crm.act(
            "book",
            name=f"Zoe {len(self.crm.rows('jobs'))}",
            phone=f"60255503{self.dice.randrange(100):02}",
            start=start.isoformat(),
            end=(start + HOUR).isoformat(),
            street=f"{self.dice.randrange(1000)} Oak St",
            zip="85004",
            technician=self.dice.choice([None, *self.technicians_there()]),
        )

    def move_there(self) -> None:
        start = self.some_hour()
        self.crm.act(
            "move",
            appointment=self.some_appointment()["id"],
            start=start.isoformat(),
            end=(start + HOUR).isoformat(),
            arrivalWindowStart=start.isoformat(),
            arrivalWindowEnd=(start + 2 * HOUR).isoformat(),
        )

    def reassign_there(self) -> None:
        appointment = self.some_appointment()["id"]
        there = self.crew_there(appointment)
        for number in there:
            self.crm.act("unassign", appointment=appointment, technician=number)
        self.crm.act(
            "assign",
            appointment=appointment,
            technician=self.dice.choice(self.technicians_there()),
        )

    def cancel_there(self) -> None:
        if self.dice.random() < 0.5:
            self.crm.act("cancel", job=self.some_appointment()["jobId"])

    def work_there(self) -> None:
        row = self.some_appointment()
        appointment = row["id"]
        if self.crew_there(appointment) and row["status"] != "Canceled":
            self.crm.act(
                self.dice.choice(["dispatch", "work"]), appointment=appointment
            )

    # --- Between ----------------------------------------------------------------

    def tell(self, visit: Appointment) -> None:
        tell(connection=self.connection, kind="appointment", object_id=visit.pk)

    def deliver(self) -> None:
        publish()
        send_again()

    def deliver_and_die(self) -> None:
        """A worker is killed between the vendor's answer and our row."""
        publish()
        alive = links.make

        def die(**_: Any) -> None:
            raise Killed

        links.make = die  # type: ignore[assignment]
        try:
            with suppress(Killed):
                send_again()
        finally:
            links.make = alive
        # What it held is taken over once its lease is over.
        past = timezone.now() - timedelta(seconds=1)
        OutboxMessage.objects.filter(status=OutboxStatus.LEASED).update(
            lease_until=past
        )

    def hear(self) -> None:
        PollCursor.objects.update(polled_at=None)
        poll_connection(connection_id=self.connection.pk, now=NOW, budget=DAY)
        self.take_in()

    def take_in(self) -> None:
        waiting = InboundEvent.objects.filter(state=InboundState.RECEIVED)
        for event in waiting.order_by("pk"):
            process_inbound(event_id=event.pk, now=NOW)

    def change_the_weather(self) -> None:
        self.crm.fail(*self.dice.sample(FAULTS, self.dice.choice([0, 1, 1, 2])))

    def heal(self) -> None:
        """All is well again: do what waits, as workers and beats would."""
        self.crm.fail()
        past = timezone.now() - DAY
        for _ in range(ROUNDS):
            caches["default"].clear()  # the pause that the vendor asked for is over
            ConnectionHealth.objects.update(
                breaker="closed",
                window=[],
                failures_in_row=0,
                reopens_at=None,
                recovering_until=None,
            )
            ExternalLink.objects.filter(remote_id="").update(claimed_until=past)
            self.deliver()
            InboundEvent.objects.filter(state=InboundState.RECEIVED).update(
                next_attempt_at=past
            )
            self.hear()
            PollCursor.objects.update(polled_at=None)
            reconcile_connection(connection_id=self.connection.pk, now=NOW)
            self.take_in()

    # --- Some of it -------------------------------------------------------------

    def some_hour(self):
        return local(TOMORROW, self.dice.choice([8, 10, 12, 14]))

    def some_visit(self) -> dict[str, Any]:
        visits = list(Appointment.objects.order_by("created_at"))
        if not visits:
            raise ValueError("There is none yet.")
        return {
            "appointment_id": self.dice.choice(visits).pk,
            "actor": SYSTEM,
            "now": NOW,
        }

    def some_appointment(self) -> dict[str, Any]:
        rows = self.crm.rows("appointments")
        if not rows:
            raise ValueError("There is none yet.")
        return self.dice.choice(rows)

    def technicians_there(self) -> list[int]:
        rows = self.crm.rows("technicians")
        return [row["id"] for row in rows[-len(self.crew) :]]

    def crew_there(self, appointment: int) -> list[int]:
        return [
            row["technicianId"]
            for row in self.crm.rows("assignments")
            if row["appointmentId"] == appointment and row["active"]
        ]


@pytest.fixture
def day(crm: Crm, connection, crew, request) -> Day:
    # A day of work passes in seconds: the usual pace would put off most of it.
    connection.settings["default_service"] = make_service(window_minutes=120).code
    connection.calls_per_second = 10_000
    connection.save()
    return Day(crm, connection, crew, seed=request.param)


@pytest.mark.parametrize("day", range(FIRST, FIRST + EXAMPLES), indirect=True)
def test_in_the_end_both_sides_say_the_same(crm: Crm, connection, day: Day):
    day.play()

    day.heal()

    assert_nothing_is_twice(day)
    assert_all_is_accounted_for()
    assert_nothing_there_is_unknown_here(day)
    for visit in Appointment.objects.all():
        assert_they_agree(day, visit)


def assert_nothing_is_twice(day: Day) -> None:
    references = Counter(
        reference
        for data in day.crm.all_references()
        for kept in data.values()
        for reference in kept.values()
    )
    assert set(references.values()) <= {1}, references
    names = Counter(row["name"] for row in day.crm.rows("customers"))
    assert set(names.values()) <= {1}, names
    homes = Counter(
        (row["customerId"], row["address"]["street"])
        for row in day.crm.rows("locations")
    )
    assert set(homes.values()) <= {1}, homes


def assert_all_is_accounted_for() -> None:
    """Nothing waits; what was given up is about a conflict that somebody sees."""
    left = OutboxMessage.objects.filter(kind="sync").exclude(
        status__in=["delivered", "superseded", "cancelled"]
    )
    disputed = set(SyncConflict.objects.values_list("object_id", flat=True))
    for message in left:
        assert message.status == OutboxStatus.DEAD, message.last_error
        assert message.aggregate_id in disputed, message.last_error
    unheard = InboundEvent.objects.filter(
        state__in=[InboundState.RECEIVED, InboundState.LEASED, InboundState.DEAD]
    )
    assert list(unheard.values_list("event_type", "state", "note")) == []


def assert_nothing_there_is_unknown_here(day: Day) -> None:
    known = set(
        ExternalLink.objects.filter(remote_type="appointment").values_list(
            "remote_id", flat=True
        )
    )
    off = {row["id"] for row in day.crm.rows("jobs") if row["jobStatus"] == "Canceled"}
    ahead = {
        str(row["id"])
        for row in day.crm.rows("appointments")
        if row["status"] in {"Scheduled", "Dispatched"} and row["jobId"] not in off
    }
    assert ahead <= known


def assert_they_agree(day: Day, visit: Appointment) -> None:
    disputed = set(
        SyncConflict.objects.filter(object_id=visit.pk, resolved_at=None).values_list(
            "field", flat=True
        )
    )
    rows = ExternalLink.objects.filter(object_id=visit.pk, remote_type="appointment")
    link = rows.first()
    if link is None:
        assert visit.status == "cancelled"  # before they heard of it
        return
    there = next(
        row for row in day.crm.rows("appointments") if str(row["id"]) == link.remote_id
    )
    if "status" not in disputed:
        assert _STATUSES[there["status"]] == visit.status
    if visit.status in {"cancelled", "completed"}:
        return
    if "window_starts_at" not in disputed:
        starts_at = visit.window_starts_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert (there["arrivalWindowStart"] or there["start"]) == starts_at
    if "technicians" not in disputed:
        ours = {
            str(pk)
            for pk in ExternalLink.objects.filter(
                object_type="technician",
                object_id__in=visit.assignments.on_the_visit().values("technician"),
            ).values_list("remote_id", flat=True)
        }
        assert {str(each) for each in day.crew_there(there["id"])} == ours


_STATUSES = {
    "Scheduled": "scheduled",
    "Dispatched": "dispatched",
    "Working": "on_site",
    "Canceled": "cancelled",
    "Done": "completed",
}

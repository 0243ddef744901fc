"""Two years of visits and leads, written a day at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from appointments.models import Appointment, Assignment
from appointments.rules.states import Status
from config.demo.copying import copy_in, copy_rows
from config.demo.data.growth import Volume
from config.demo.dice import Dice
from config.demo.events import visit_event
from config.demo.stories import snapshot
from config.demo.volume.calendar import Calendar, pack_day
from config.demo.volume.inquiries import LEAD, booked_lead, unbooked_lead
from config.demo.volume.town import Job, Town
from config.demo.volume.visits import (
    ASSIGNMENT,
    VISIT,
    Booking,
    assignment_row,
    book_slot,
    visit_row,
)
from core.actors import ANONYMOUS
from core.models import Event
from leads.models import Lead

_MINUTES_A_DAY = 24 * 60
# Every fifth visit was booked on the website.
_VISITS_PER_LEAD = 5
# References below belong to the small scale.
_FIRST_NUMBER = 10_000_000


@dataclass(slots=True)
class Day:
    """The rows of one day, on their way to the tables."""

    leads: list[Sequence[Any]] = field(default_factory=list)
    visits: list[Sequence[Any]] = field(default_factory=list)
    assignments: list[Sequence[Any]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def write(self) -> None:
        copy_rows(Lead, LEAD, self.leads)
        copy_rows(Appointment, VISIT, self.visits)
        copy_rows(Assignment, ASSIGNMENT, self.assignments)
        copy_in(self.events)


class Almanac:
    """Makes the visits, and the leads behind them, of every day of every town."""

    def __init__(
        self,
        *,
        volume: Volume,
        towns: Sequence[Town],
        jobs: Mapping[str, Job],
        dice: Dice,
        now: datetime,
    ) -> None:
        self._towns = towns
        self._jobs = jobs
        self._dice = dice
        self._now = now
        self._calendar = Calendar(
            volume=volume,
            today=now.date(),
            posts=[post for town in towns for post in town.posts],
        )
        self._visit_numbers = count(_FIRST_NUMBER)
        self._lead_numbers = count(_FIRST_NUMBER)
        self._unbooked = volume.leads - volume.visits // _VISITS_PER_LEAD
        self._days_back = volume.days_back

    def days(self) -> Iterator[Day]:
        """Yield the rows of each day, the oldest first."""
        for number, date_ in enumerate(self._calendar.days()):
            day = Day()
            for town in self._towns:
                self._add_visits(day, town, date_)
            if number < self._days_back:
                self._add_unbooked_leads(day, number, date_)
            yield day

    def _add_visits(self, day: Day, town: Town, date_: date) -> None:
        opens_at = town.day_starts(date_)
        for post in town.posts:
            quota = self._calendar.quota(post, date_)
            for slot in pack_day(post, quota, dice=self._dice):
                booking = book_slot(
                    slot,
                    job=self._jobs[slot.task.code],
                    town=town,
                    technician_id=post.technician_id,
                    opens_at=opens_at,
                    now=self._now,
                    dice=self._dice,
                )
                self._add_booking(day, booking, opens_at)

    def _add_booking(self, day: Day, booking: Booking, opens_at: datetime) -> None:
        """Add a visit, its assignment, and mostly nothing more."""
        number, dice = next(self._visit_numbers), self._dice
        row = visit_row(
            booking,
            number=number,
            lead_id=self._lead_behind(day, booking, number),
            opens_at=opens_at,
            dice=dice,
        )
        day.visits.append(row)
        day.assignments.append(assignment_row(booking, row[0], dice))
        # Of what has ended, the tables tell enough; what is to come will change,
        # and its history has to begin somewhere.
        if booking.status is Status.SCHEDULED:
            day.events.append(_booked(booking, row))

    def _lead_behind(self, day: Day, booking: Booking, number: int) -> UUID | None:
        if number % _VISITS_PER_LEAD:
            return None
        lead_id = self._dice.uuid(booking.asked_at)
        day.leads.append(
            booked_lead(
                booking.town,
                booking.regular,
                booking.job,
                lead_id=lead_id,
                number=next(self._lead_numbers),
                at=booking.asked_at,
            )
        )
        return lead_id

    def _add_unbooked_leads(self, day: Day, number: int, date_: date) -> None:
        """Add the share of the leads that came to nothing of the n-th day."""
        due, before = (
            n * self._unbooked // self._days_back for n in (number + 1, number)
        )
        midnight = datetime.combine(date_, time.min, tzinfo=UTC)
        for _ in range(due - before):
            minute = self._dice.randrange(_MINUTES_A_DAY)
            day.leads.append(
                unbooked_lead(
                    self._dice.choice(self._towns),
                    number=next(self._lead_numbers),
                    came_at=midnight + timedelta(minutes=minute),
                    now=self._now,
                    dice=self._dice,
                )
            )


def _booked(booking: Booking, row: Sequence[Any]) -> Event:
    visit = Appointment(**dict(zip(VISIT, row, strict=True)))
    visit.location, visit.service = booking.town.branch.location, booking.job.service
    shown = snapshot(visit, technicians=[str(booking.technician_id)])
    return visit_event(
        "appointment.booked",
        visit=visit,
        at=booking.asked_at,
        actor=ANONYMOUS,
        data=shown,
    )

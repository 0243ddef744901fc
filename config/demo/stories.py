"""Tell a visit's script up to now: its row, its technician, and its events.

What is written is what the services would have left behind.
"""

from datetime import datetime, timedelta
from typing import Any

from appointments.models import Appointment, Assignment
from appointments.rules.states import OPEN, Status, Step
from appointments.services.record import times_of
from config.demo.company import born
from config.demo.diary import PlannedVisit
from config.demo.dice import Dice, reference
from config.demo.events import visit_event
from config.demo.scripts import Moment, Script
from config.demo.wishes import Inquiry
from core.models import Event

_MINUTE = timedelta(minutes=1)
_TAKES_TECHNICIAN_OFF = frozenset({"appointment.unassigned"})


class Story:
    """One visit with its assignment and its history, as they stand at `now`."""

    def __init__(
        self,
        planned: PlannedVisit,
        script: Script,
        *,
        number: int,
        dice: Dice,
        now: datetime,
        inquiry: Inquiry | None,
    ) -> None:
        self.planned = planned
        self.events: list[Event] = []
        self._postponed = script.moved_by or timedelta()
        self.inquiry = inquiry
        self.visit = self._booked(number, dice)
        self.assignment: Assignment | None = self._assigned(dice)
        for moment in script.moments:
            if moment.at <= now:
                self._tell(moment)

    def _booked(self, number: int, dice: Dice) -> Appointment:
        planned, plan = self.planned, self.planned.offer.plan
        household = planned.household
        return Appointment(
            id=dice.uuid(planned.asked_at),
            reference=reference("V", number),
            location=household.branch.location,
            service=planned.offer.service,
            customer=household.customer,
            property=household.property,
            zone=household.zone,
            lead=self.inquiry.lead if self.inquiry else None,
            window_starts_at=planned.promise.starts_at + self._postponed,
            window_ends_at=planned.promise.ends_at + self._postponed,
            starts_at=planned.start + self._postponed,
            ends_at=planned.start + plan.duration * _MINUTE + self._postponed,
            price_cents=plan.price,
            source="staff" if planned.by_phone else "website",
            version=0,
            **born(planned.asked_at),
        )

    def _assigned(self, dice: Dice) -> Assignment:
        plan, place = self.planned.offer.plan, self.planned.household.property
        return Assignment(
            id=dice.uuid(self.planned.asked_at),
            appointment=self.visit,
            technician_id=self.planned.technician_id,
            occupied_from=self.visit.starts_at - plan.before * _MINUTE,
            occupied_until=self.visit.ends_at + plan.after * _MINUTE,
            latitude=place.latitude,
            longitude=place.longitude,
            **born(self.planned.asked_at),
        )

    def _tell(self, moment: Moment) -> None:
        """Let one step happen, and write it down."""
        before = self._as_it_is()
        data: dict[str, Any] = {}
        if moment.event == "appointment.rescheduled":
            self._move(moment.at)
            data = {"previous": before}
        elif moment.event in _TAKES_TECHNICIAN_OFF:
            self.assignment = None
            data = {"previous": before}
        elif moment.event != "appointment.booked":
            self._step(moment)
            data = {"previous": {"status": before["status"]}, "steps": self._steps()}
        self.visit.version += 1
        self.visit.updated_at = moment.at
        self._record(moment, data)

    def _move(self, at: datetime) -> None:
        """Bring a postponed visit to the time at which it takes place."""
        self._bring_forward(
            self.visit, "window_starts_at", "window_ends_at", "starts_at", "ends_at"
        )
        self.visit.sequence += 1
        if self.assignment is not None:
            self._bring_forward(self.assignment, "occupied_from", "occupied_until")
            self.assignment.created_at = self.assignment.updated_at = at

    def _bring_forward(self, thing: Appointment | Assignment, *names: str) -> None:
        for name in names:
            setattr(thing, name, getattr(thing, name) - self._postponed)

    def _step(self, moment: Moment) -> None:
        self.visit.status = moment.status
        if moment.status is Status.CANCELLED:
            self.visit.cancellation_reason = moment.reason
        assignment = self.assignment
        if assignment is None:
            return
        assignment.updated_at = moment.at
        if moment.status is not Status.CANCELLED:
            assignment.status = moment.step
        if moment.status not in OPEN or moment.step is Step.DECLINED:
            assignment.released_at = moment.at

    def _as_it_is(self) -> dict[str, Any]:
        return {
            **times_of(self.visit),
            "status": str(self.visit.status),
            "technicians": self._on_it(),
        }

    def _on_it(self) -> list[str]:
        if self.assignment is None or self.assignment.status == Step.DECLINED:
            return []
        return [str(self.assignment.technician_id)]

    def _steps(self) -> dict[str, str]:
        if self.assignment is None:
            return {}
        return {str(self.assignment.technician_id): str(self.assignment.status)}

    def _record(self, moment: Moment, data: dict[str, Any]) -> None:
        shown = snapshot(self.visit, technicians=self._on_it())
        self.events.append(
            visit_event(
                moment.event,
                visit=self.visit,
                at=moment.at,
                actor=moment.actor,
                data=shown | data,
                reason=moment.reason,
            )
        )


def snapshot(visit: Appointment, *, technicians: list[str]) -> dict[str, Any]:
    """Return what the services' own snapshot shows, without asking the database."""
    return {
        "id": str(visit.pk),
        "reference": visit.reference,
        "version": visit.version,
        "status": str(visit.status),
        "location": str(visit.location_id),
        "service": visit.service.code,
        "customer": str(visit.customer_id),
        "property": str(visit.property_id),
        "lead": str(visit.lead_id) if visit.lead_id else None,
        "technicians": technicians,
        **times_of(visit),
        "sequence": visit.sequence,
    }

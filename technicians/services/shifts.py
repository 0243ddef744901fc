"""When a technician works: each week, and on single days otherwise."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from uuid import UUID

from django.db import transaction

from core.actors import Actor
from core.db import on_breach
from core.errors import Conflict, NotFound, Rejected
from core.roster import OnConflict
from technicians.models import ShiftException, ShiftKind, Technician, WeeklyShift
from technicians.services.record import emit_about, roster_of, save_change


class ShiftListedTwice(Rejected):
    """Two shifts of one kind begin at the same time of the same weekday."""

    code = "shift_listed_twice"
    title = "A shift is listed twice"


class ExceptionListed(Conflict):
    """That day has an exception that begins at this time."""

    code = "shift_exception_listed"
    title = "The exception is listed already"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyShiftForm:
    """A shift that returns each week; see `WeeklyShift`."""

    location_id: UUID
    weekday: int
    starts: time
    ends: time
    kind: str = ShiftKind.REGULAR
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftExceptionForm:
    """Other hours on one day, or none where it has no times; see `ShiftException`."""

    date: date
    location_id: UUID | None = None
    starts: time | None = None
    ends: time | None = None
    kind: str = ShiftKind.REGULAR
    reason: str = ""


@transaction.atomic
def set_weekly_shifts(
    *,
    technician_id: UUID,
    shifts: Iterable[WeeklyShiftForm],
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
    on_conflict: OnConflict = OnConflict.REJECT,
) -> Technician:
    """Let these be the technician's weekly shifts, and no others.

    Emits:
        technician.shifts_changed
    Raises:
        ShiftListedTwice, VersionConflict, NotFound
        Stranded: visits lie outside of the new shifts.
    """
    with roster_of(
        technician_id=technician_id,
        actor=actor,
        now=now,
        on_conflict=on_conflict,
        expected_version=expected_version,
    ) as technician:
        technician.weekly_shifts.all().delete()
        rows = [WeeklyShift(technician=technician, **asdict(form)) for form in shifts]
        with on_breach("weekly_shift_is_listed_once", ShiftListedTwice()):
            WeeklyShift.objects.bulk_create(rows)
    save_change(
        technician,
        event="technician.shifts_changed",
        actor=actor,
        now=now,
        data={"shifts": len(rows)},
    )
    return technician


@transaction.atomic
def add_shift_exception(
    *,
    technician_id: UUID,
    form: ShiftExceptionForm,
    actor: Actor,
    now: datetime,
    on_conflict: OnConflict = OnConflict.REJECT,
) -> ShiftException:
    """Let other hours hold on one day, or none.

    Emits:
        technician.shift_exception_added
    Raises:
        ExceptionListed, NotFound
        Stranded: visits of that day lie outside of these hours.
    """
    listed = ExceptionListed(f"{form.date} has that exception.")
    with (
        roster_of(
            technician_id=technician_id, actor=actor, now=now, on_conflict=on_conflict
        ) as technician,
        on_breach("shift_exception_is_listed_once", listed),
    ):
        exception = ShiftException.objects.create(technician=technician, **asdict(form))
    emit_about(
        technician,
        "technician.shift_exception_added",
        actor=actor,
        now=now,
        reason=form.reason,
        data=_exception_data(exception),
    )
    return exception


@transaction.atomic
def remove_shift_exception(
    *,
    technician_id: UUID,
    exception_id: UUID,
    actor: Actor,
    now: datetime,
    on_conflict: OnConflict = OnConflict.REJECT,
) -> None:
    """Let the weekly shifts hold on that day again.

    Emits:
        technician.shift_exception_removed
    Raises:
        NotFound: the technician has no such exception.
        Stranded: visits of that day lie outside of the weekly shifts.
    """
    with roster_of(
        technician_id=technician_id, actor=actor, now=now, on_conflict=on_conflict
    ) as technician:
        exception = technician.shift_exceptions.filter(pk=exception_id).first()
        if exception is None:
            raise NotFound
        data = _exception_data(exception)
        exception.delete()
    emit_about(
        technician,
        "technician.shift_exception_removed",
        actor=actor,
        now=now,
        data=data,
    )


def _exception_data(exception: ShiftException) -> dict[str, str | None]:
    starts, ends = exception.starts, exception.ends
    return {
        "exception": str(exception.pk),
        "date": exception.date.isoformat(),
        "starts": starts.isoformat() if starts else None,
        "ends": ends.isoformat() if ends else None,
    }

"""When a technician is away."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.actors import Actor
from core.db import on_breach
from core.errors import NotFound, Rejected
from core.roster import OnConflict
from core.walltime import as_instant
from technicians.models import TimeOff
from technicians.services.record import emit_about, locked_technician, roster_of


class EndsBeforeStart(Rejected):
    """An absence takes time."""

    code = "ends_before_start"
    title = "It ends before it starts"


@transaction.atomic
def add_time_off(
    *,
    technician_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    actor: Actor,
    now: datetime,
    reason: str = "",
    on_conflict: OnConflict = OnConflict.REJECT,
) -> TimeOff:
    """Let a technician be away in [starts_at, ends_at).

    A naive time is read by the wall clock of the home branch.

    Emits:
        technician.time_off_added
    Raises:
        EndsBeforeStart, NotFound
        Stranded: visits are booked in it, and are not to be unassigned.
        NonexistentLocalTime, AmbiguousLocalTime: of a naive time.
    """
    with roster_of(
        technician_id=technician_id, actor=actor, now=now, on_conflict=on_conflict
    ) as technician:
        zone = technician.location.time_zone
        with on_breach("time_off_ends_after_start", EndsBeforeStart()):
            absence = TimeOff.objects.create(
                technician=technician,
                starts_at=as_instant(starts_at, zone=zone),
                ends_at=as_instant(ends_at, zone=zone),
                reason=reason,
            )
    emit_about(
        technician,
        "technician.time_off_added",
        actor=actor,
        now=now,
        reason=reason,
        data=_absence_data(absence),
    )
    return absence


@transaction.atomic
def remove_time_off(
    *, technician_id: UUID, time_off_id: UUID, actor: Actor, now: datetime
) -> None:
    """Let a technician be there after all.

    Emits:
        technician.time_off_removed
    Raises:
        NotFound: the technician has no such absence.
    """
    technician = locked_technician(technician_id=technician_id, actor=actor)
    absence = technician.time_offs.filter(pk=time_off_id).first()
    if absence is None:
        raise NotFound
    data = _absence_data(absence)
    absence.delete()
    emit_about(
        technician, "technician.time_off_removed", actor=actor, now=now, data=data
    )


def _absence_data(absence: TimeOff) -> dict[str, str]:
    return {
        "time_off": str(absence.pk),
        "starts_at": absence.starts_at.isoformat(),
        "ends_at": absence.ends_at.isoformat(),
    }

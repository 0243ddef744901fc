"""Move a visit as the vendor did: through the one predicate, or not at all."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from appointments import services
from appointments.rules.states import LATER, Status
from integrations.rules.merging import OURS, THEIRS
from integrations.rules.things import Fields, Thing
from integrations.services.sync.applying.changes import (
    DOES_NOT_COME_IN,
    Change,
    all_for,
    attempt,
)

TIME, CREW, STATUS = "window_starts_at", "technicians", "status"
_ENDED = frozenset(status for status, later in LATER.items() if not later)
# How far a visit has come. Both sides may lag behind; the further one knows more.
_PROGRESS = (
    *(Status.HELD, Status.REQUESTED, Status.SCHEDULED, Status.DISPATCHED),
    *(Status.EN_ROUTE, Status.PAUSED, Status.ON_SITE),
)
_ENDINGS = {
    Status.COMPLETED: "done",
    Status.INCOMPLETE: "done",
    Status.CANCELLED: "off",
    Status.NO_SHOW: "off",
}
# What lies between: a vendor that tells of the end only has passed these.
_ON_THE_WAY = {
    Status.COMPLETED: (Status.ON_SITE,),
    Status.INCOMPLETE: (Status.ON_SITE,),
    Status.PAUSED: (Status.ON_SITE,),
}


def settle(
    *, thing: Thing, agreed: Fields, theirs: dict[str, Any], winners: dict[str, str]
) -> dict[str, Any]:
    """See to it that an older word of theirs does not turn a visit's clock back.

    What has ended stays ended. Where both moved the status on, the further one
    stands. Nobody moves a visit that has ended on either side. See `Settler`.
    """
    ours = Status(thing.fields[STATUS])
    if theirs.get(STATUS, ours) not in set(Status):
        del theirs[STATUS]
    their = Status(theirs[STATUS]) if STATUS in theirs else None
    if ours in _ENDED and not _is_said_anew(their, ours, agreed.get(STATUS)):
        return _all_behind(theirs, ours)
    if their is None or STATUS not in winners:
        return {}
    if their in _ENDED or ours in _ENDED:
        for field in set(theirs) - {STATUS}:
            del theirs[field]
    is_further = _progress(their) > _progress(ours)
    winners[STATUS] = THEIRS if is_further else OURS
    if is_further or their == ours or {their, ours} & _ENDED:
        return {}
    return {STATUS: theirs.pop(STATUS)}


def _is_said_anew(their: Status | None, ours: Status, base: str | None) -> bool:
    """Tell whether they disagree with how a visit has ended here.

    They say another end, or have opened again what they knew to have ended.
    """
    if their is None or _ending(their) == _ending(ours):
        return False
    return their in _ENDED or base in _ENDED


def _all_behind(theirs: dict[str, Any], ours: Status) -> dict[str, Any]:
    """Return all that they say of a visit that has ended here; nothing is left of it.

    Where it has ended there in the same way, they say so in their own word for it.
    """
    behind = dict(theirs)
    theirs.clear()
    if STATUS in behind and _ending(Status(behind[STATUS])) == _ending(ours):
        behind[STATUS] = str(ours)
    return behind


def write(change: Change) -> Mapping[str, str]:
    """Bring a visit to their time, crew and status; return why not, by field."""
    fields = dict(change.fields)
    moves = {field: fields.pop(field) for field in (TIME, CREW) if field in fields}
    status = fields.pop(STATUS, None)
    problems = all_for(set(fields), DOES_NOT_COME_IN)
    if moves:
        problems |= all_for(moves, attempt(lambda: _move(change, moves)))
    if status is not None:
        problems |= all_for(
            {STATUS}, attempt(lambda: _change_status(change, Status(status)))
        )
    return problems


def _move(change: Change, moves: Mapping[str, Any]) -> None:
    crew = _likeliest_first(change, moves.get(CREW, []))
    about: dict[str, Any] = {
        "appointment_id": change.thing.id,
        "actor": change.actor,
        "now": change.now,
        "reason": f"Changed at {change.actor.label}.",
    }
    if TIME in moves:
        services.reschedule(
            starts_at=datetime.fromisoformat(moves[TIME]),
            technician_id=crew[0] if crew else None,
            **about,
        )
        if CREW in moves and not crew:
            services.unassign(**about)
    elif crew:
        services.assign(technician_id=crew[0], **about)
    else:
        services.unassign(**about)


def _likeliest_first(change: Change, wanted: Sequence[str]) -> list[UUID]:
    """Return whom they want on it; who is on it already does not give way."""
    here = set(change.thing.fields[CREW])
    return [UUID(each) for each in sorted(wanted, key=lambda one: one not in here)]


def _change_status(change: Change, to: Status) -> None:
    reason = change.remote.fields.get("cancellation_reason")
    about: dict[str, Any] = {
        "appointment_id": change.thing.id,
        "actor": change.actor,
        "now": change.now,
        "reason": str(reason or f"Changed at {change.actor.label}."),
    }
    between = [
        step
        for step in _ON_THE_WAY.get(to, ())
        if _progress(Status(change.thing.fields[STATUS])) < _progress(step)
    ]
    for step in [*between, to]:
        services.change_status(to=step, **about)


def _ending(status: Status) -> str:
    """Return how a visit ended, as far as vendors tell; "" while it is open."""
    return _ENDINGS.get(status, "")


def _progress(status: Status) -> int:
    """Return how far a visit in that state has come."""
    return _PROGRESS.index(status) if status in _PROGRESS else len(_PROGRESS)

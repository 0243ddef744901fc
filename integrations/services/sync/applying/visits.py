"""Move a visit as the vendor did: through the one predicate, or not at all."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from appointments import services
from appointments.rules.states import LATER, Status
from appointments.services import Plan
from integrations.rules.merging import OURS, THEIRS
from integrations.rules.things import Fields, Thing
from integrations.services.sync.applying.changes import (
    DOES_NOT_COME_IN,
    Change,
    all_for,
    attempt,
)

TIME, WORK, CREW = "window_starts_at", "work_minutes", "technicians"
STATUS = "status"
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
    moves = {
        field: fields.pop(field) for field in (TIME, WORK, CREW) if field in fields
    }
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
    """Follow them; where only the time is another, others may come instead."""
    about: dict[str, Any] = {
        "appointment_id": change.thing.id,
        "actor": change.actor,
        "now": change.now,
    }
    why = f"Changed at {change.actor.label}."
    try:
        services.follow(plan=_plan(change, moves), why=why, **about)
    except services.SlotUnavailable:
        if moves.keys() != {TIME}:
            raise
        services.reschedule(starts_at=_minute(moves[TIME]), reason=why, **about)


def _plan(change: Change, moves: Mapping[str, Any]) -> Plan:
    """Return our plan with what they have changed of it."""
    ours = change.thing.fields
    names = ("window_starts_at", "window_ends_at", "starts_at")
    opens, closes, start = (datetime.fromisoformat(ours[name]) for name in names)
    if TIME in moves:
        length = closes - opens
        opens = _minute(moves[TIME])
        closes, start = _rest_of(change.remote.fields, opens=opens, length=length)
    return Plan(
        window_starts_at=opens,
        window_ends_at=closes,
        starts_at=start,
        ends_at=start + timedelta(minutes=int(moves.get(WORK, ours[WORK]))),
        technician_ids=_likeliest_first(change, moves.get(CREW, ours[CREW])),
    )


def _rest_of(
    said: Fields, *, opens: datetime, length: timedelta
) -> tuple[datetime, datetime]:
    """Return when their new promise ends and the work begins, if they say."""
    closes = _minute(said.get("window_ends_at", opens.isoformat()))
    if closes <= opens:
        closes = opens + length
    start = _minute(said.get("starts_at", opens.isoformat()))
    return closes, start if opens <= start < closes else opens


def _minute(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(second=0, microsecond=0)


def _likeliest_first(change: Change, wanted: Sequence[str]) -> tuple[UUID, ...]:
    """Return whom they want on it; who leads it already goes on leading."""
    here = set(change.thing.fields[CREW])
    return tuple(map(UUID, sorted(wanted, key=lambda one: one not in here)))


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

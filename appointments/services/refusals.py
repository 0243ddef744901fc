"""Say no in a sentence, with its reason and what else there is."""

from datetime import datetime

from appointments.rules.slots import Reason, Wish
from appointments.selectors import capacity
from appointments.selectors.capacity import RosterChanged
from core.errors import Conflict
from core.walltime import local_date

ALTERNATIVES = 5
ALTERNATIVE_DAYS = 7


class SlotUnavailable(Conflict):
    """Nobody can keep that promise; `reason` says why, `alternatives` what else."""

    code = "slot_unavailable"
    title = "That time is not available"


def refused(
    wish: Wish, reason: Reason, *, after: datetime | None = None
) -> SlotUnavailable:
    """Return the refusal, with the next times that could be booked instead."""
    return SlotUnavailable(
        _SENTENCES[reason],
        reason=reason,
        alternatives=_alternatives(wish, after=after or wish.now),
    )


def unavailable(reason: Reason) -> SlotUnavailable:
    """Return the refusal without a list of what else there is."""
    return SlotUnavailable(_SENTENCES[reason], reason=reason)


def double_booked() -> SlotUnavailable:
    """Return what the constraint's refusal means."""
    return unavailable(Reason.BUSY)


def _alternatives(wish: Wish, *, after: datetime) -> list[dict[str, str]]:
    """Return the next few promises from the local day of `after` on.

    None where the roster changes while we look: a refusal owes nobody a list.
    """
    zone = wish.branch.zone
    try:
        found = capacity.promises_between(
            wish=wish,
            first_day=local_date(after, zone=zone),
            days=ALTERNATIVE_DAYS,
        )
    except RosterChanged:
        found = []
    return [
        {
            "starts_at": promise.starts_at.astimezone(zone).isoformat(),
            "ends_at": promise.ends_at.astimezone(zone).isoformat(),
        }
        for promise in found[:ALTERNATIVES]
    ]


_SENTENCES = {
    Reason.NOTICE: "It is too soon: this service needs more notice.",
    Reason.HORIZON: "It is too far ahead to be booked yet.",
    Reason.HOLIDAY: "The branch keeps a holiday on that day.",
    Reason.CLOSED: "The branch does not begin visits at that time.",
    Reason.OFF_GRID: "Visits do not begin at that minute; choose an offered time.",
    Reason.CAP: "The day has as many of these visits as the branch takes.",
    Reason.INACTIVE: "The technician is not active.",
    Reason.NO_SKILL: "The technician lacks a skill (or its certificate) for it.",
    Reason.OUT_OF_ZONE: "The address is outside of the technician's zones.",
    Reason.BARRED: "The customer does not want that technician.",
    Reason.OFF_SHIFT: "The technician has no shift that holds the whole visit.",
    Reason.TIME_OFF: "The technician is away at that time.",
    Reason.BUSY: "No fit technician is free at that time any more.",
    Reason.HELD: "Somebody is just booking that time; it may come free again.",
    Reason.TRAVEL: "No fit technician can drive there in time.",
}

"""Find a hold by its token, and turn it over to the visit that it was kept for."""

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from appointments.models import Appointment, Assignment, Hold
from appointments.rules.slots import Wish
from appointments.selectors.fitness import misfits
from appointments.selectors.holds import hold_of_id, holds_of_token
from appointments.services.locking import lock_technicians
from core.db import take_turns
from core.errors import Gone, Rejected


class HoldExpired(Gone):
    """The slot is kept no longer; `alternatives` say what else could be booked."""

    code = "hold_expired"
    title = "The hold has expired"


class HoldMismatch(Rejected):
    """What is to be booked is not what was held; `differs` says in what."""

    code = "hold_mismatch"
    title = "That is not what was held"


def take_turn_of(visitors: Iterable[str]) -> None:
    """Wait for whatever else these visitors are about to do with their holds.

    Comes before any technician's lock, so nobody waits in a circle.
    """
    for visitor in sorted(set(visitors)):
        take_turns(f"hold of {visitor}")


def find_hold(token: str | UUID) -> Hold | None:
    """Return the hold of that token (or id), over or not, its visitor's turn taken.

    None where it was booked, let go or replaced, or never was. Needs a transaction.
    """
    holds = holds_of_token(token) if isinstance(token, str) else hold_of_id(token)
    found = holds.values_list("visitor", flat=True).first()
    if found is None:
        return None
    take_turn_of([found])
    return holds.first()


def technicians_of(hold: Hold) -> set[UUID]:
    """Return whose time the hold keeps."""
    return set(hold.assignments.values_list("technician_id", flat=True))


def turn_over(
    visit: Appointment,
    *,
    hold: Hold,
    wish: Wish,
    technician_ids: Collection[UUID] | None = None,
) -> bool:
    """Give the held time to the visit, which saves it: it is never free in between.

    Returns False, and changes nothing, where the hold cannot be honoured: it is over,
    its technicians cannot come any more, or others (`technician_ids`) are wanted. What
    was settled with the customer when it was made is not asked again. Needs a
    transaction, and the visitor's turn.
    """
    if hold.expires_at <= wish.now or hold.location_id != visit.location_id:
        return False
    with transaction.atomic():
        crew = technicians_of(hold)
        lock_technicians(crew)
        if not _is_as_wanted(hold, crew=crew, wish=wish, wanted=technician_ids):
            transaction.set_rollback(True)
            return False
        _hand_over(visit, hold=hold, wish=wish)
        if misfits(visits=[visit], now=wish.now):
            transaction.set_rollback(True)
            visit._state.adding = True  # its row went with the savepoint
            return False
    return True


def _is_as_wanted(
    hold: Hold, *, crew: set[UUID], wish: Wish, wanted: Collection[UUID] | None
) -> bool:
    """Tell, with the crew's locks, whether all of it is still held and welcome.

    Somebody whose clock is ahead may have found the hold to be over.
    """
    return (
        technicians_of(hold) == crew
        and len(crew) == wish.terms.crew_size
        and not crew & wish.barred
        and (wanted is None or crew >= set(wanted))
    )


def _hand_over(visit: Appointment, *, hold: Hold, wish: Wish) -> None:
    visit.window_starts_at, visit.window_ends_at = (
        hold.window_starts_at,
        hold.window_ends_at,
    )
    visit.starts_at, visit.ends_at = hold.starts_at, hold.ends_at
    visit.zone_id = hold.zone_id
    visit.save(force_insert=True)
    latitude, longitude = wish.place or (None, None)
    Assignment.objects.filter(hold=hold).update(
        appointment=visit,
        hold=None,
        held_until=None,
        latitude=latitude and latitude / 1e6,
        longitude=longitude and longitude / 1e6,
        updated_at=Now(),
    )
    Hold.objects.filter(pk=hold.pk).delete()

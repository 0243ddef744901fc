"""The roster: all that slots depend on besides taken time, kept in the process.

It is read whole and kept under its exact version (`RosterVersion`): triggers draw a
new one with each change of any of its tables, in the transaction that changes it.
So an answer costs one small query to see that nothing changed, and no answer is
ever made from a roster that is older than what the transaction can see.
"""

from datetime import date, timedelta
from uuid import UUID

from django.db import connection

from appointments.selectors.roster_facts import Person, Roster
from appointments.selectors.roster_reading import read_roster

__all__ = ["Person", "Roster", "current_roster", "known_roster", "roster_of"]

# Absences and exceptions that are long over do not come along.
_PAST_DAYS = 8

# The last one read comes first. Where one transaction is changing the roster, it and
# the others see different ones for a while.
_kept: tuple[Roster, ...] = ()
_MOST_KEPT = 3

# Asked by each booking: spelt out, it costs a fraction of what the ORM takes for it.
_VERSION = "SELECT (SELECT version FROM appointments_rosterversion)"


def current_roster(*, day: date = date.max) -> Roster:
    """Return the roster as the transaction sees it, good for `day` and after.

    One query, unless something changed.
    """
    with connection.cursor() as cursor:
        cursor.execute(_VERSION)
        version: UUID | None = cursor.fetchone()[0]
    return roster_of(version, day=day)


def roster_of(version: UUID | None, *, day: date) -> Roster:
    """Return the roster of the version that holds, good for `day` and after.

    For those who have just read the version along with other things.
    """
    for roster in _kept:
        if roster.version == version and roster.since <= day:
            return roster
    return _keep(read_roster(version, since=day - timedelta(days=_PAST_DAYS)))


def known_roster(*, day: date) -> Roster:
    """Return the roster as it was last read, good for `day` and after.

    For those who read the version along with other things, and compare.
    """
    known = next((roster for roster in _kept if roster.since <= day), None)
    return known or current_roster(day=day)


def _keep(roster: Roster) -> Roster:
    global _kept  # noqa: PLW0603  # exchanged in one step, so threads need no lock
    if roster.version is not None:
        others = (one for one in _kept if one.version != roster.version)
        _kept = (roster, *others)[:_MOST_KEPT]
    return roster

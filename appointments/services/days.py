"""Mend technicians' packed days where something went past the triggers."""

from collections.abc import Iterable

from django.db import connection

from appointments.selectors.days import Difference


def repair_days(differing: Iterable[Difference]) -> int:
    """Pack these days anew from the assignments; return how many.

    Each is a transaction of its own: who holds one day and no more is waited for, and
    never waits in a circle.
    """
    days = {(each.technician_id, each.day) for each in differing}
    with connection.cursor() as cursor:
        for technician_id, day in sorted(days):
            cursor.execute(
                "SELECT refresh_technician_day(%s, %s)", [technician_id, day]
            )
    return len(days)

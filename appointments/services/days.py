"""Mend technicians' packed days where something went past the triggers."""

from collections.abc import Iterable

from django.db import connection, transaction

from appointments.selectors.days import Difference


@transaction.atomic
def repair_days(differing: Iterable[Difference]) -> int:
    """Pack these days anew from the assignments; return how many.

    In one order, as the triggers do: whoever books meanwhile waits, or is waited for,
    and never in a circle.
    """
    days = sorted({(each.technician_id, each.day) for each in differing})
    with connection.cursor() as cursor:
        for technician_id, day in days:
            cursor.execute(
                "SELECT refresh_technician_day(%s, %s)", [technician_id, day]
            )
    return len(days)

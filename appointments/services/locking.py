"""Lock technicians, and look at their days under the lock."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from psycopg.pq import Format

from appointments.rules.slots import Span, to_moment
from technicians.models import Technician


class HeldByOthers(Exception):
    """Somebody else has locked one of the technicians; some of the rest are ours."""


def lock_technicians(technician_ids: Collection[UUID]) -> None:
    """Lock these technicians' rows in the order of their ids until the end."""
    rows = Technician.objects.select_for_update(no_key=True)
    list(rows.filter(pk__in=technician_ids).order_by("pk").values_list("pk"))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderLock:
    """Reads technicians' packed days as `packed_days` does, with their rows locked.

    All that others have committed is seen. Holds that are over are cleared away: they
    count for nothing when looking, but the constraint knows no clock (R11). `leaving`
    are locked as well, and not looked at.
    """

    leaving: Collection[UUID]
    waits: bool
    now: datetime

    def __call__(
        self, technician_ids: list[UUID], *, span: Span
    ) -> tuple[UUID | None, dict[UUID, list[bytes]]]:
        """Lock, in the order of the ids, and read.

        Raises:
            HeldByOthers: and `waits` is not wanted.
        """
        with connection.cursor() as cursor:
            cursor.cursor.format = Format.BINARY
            cursor.execute(
                "SELECT * FROM look_under_lock(%s, %s, %s, %s, %s, %s)",
                [
                    technician_ids,
                    list(self.leaving),
                    to_moment(span.start).date(),
                    to_moment(span.end).date(),
                    self.now,
                    self.waits,
                ],
            )
            rows = cursor.fetchall()
        if not rows:
            raise HeldByOthers
        found: dict[UUID, list[bytes]] = defaultdict(list)
        for _, technician_id, packed in rows:
            found[technician_id].append(packed)
        return rows[0][0], found

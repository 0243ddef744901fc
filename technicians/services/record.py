"""Lock a technician, and write down what changed. For the services beside it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from core.actors import Actor
from core.errors import NotFound, VersionConflict
from core.events import emit
from core.roster import OnConflict, Scope, watched
from technicians.models import Technician


def locked_technician(
    *, technician_id: UUID, actor: Actor, expected_version: int | None = None
) -> Technician:
    """Return the technician with the row locked until the transaction ends.

    Raises:
        NotFound: there is none that the actor may see.
        VersionConflict: it changed since the caller read it.
    """
    technician = (
        Technician.objects.visible_to(actor)
        .select_for_update(no_key=True, of=("self",))
        .select_related("location")
        .filter(pk=technician_id)
        .first()
    )
    if technician is None:
        raise NotFound
    if expected_version is not None and expected_version != technician.version:
        raise VersionConflict(
            f"The technician is at version {technician.version}.", current=technician
        )
    return technician


@contextmanager
def roster_of(
    *,
    technician_id: UUID,
    actor: Actor,
    now: datetime,
    on_conflict: OnConflict,
    expected_version: int | None = None,
) -> Iterator[Technician]:
    """Yield the locked technician to a block that changes when and where one works.

    Raises:
        NotFound, VersionConflict
        Stranded: booked visits could not be kept, and are not to be unassigned.
    """
    with watched(
        scope=Scope.of_technician(technician_id),
        on_conflict=on_conflict,
        actor=actor,
        now=now,
    ):
        yield locked_technician(
            technician_id=technician_id, actor=actor, expected_version=expected_version
        )


def save_change(
    technician: Technician,
    *,
    event: str,
    actor: Actor,
    now: datetime,
    fields: Iterable[str] = (),
    data: dict[str, Any] | None = None,
) -> None:
    """Save `fields` of a locked technician as the next version, and emit the event."""
    technician.version += 1
    technician.save(update_fields=[*fields, "version", "updated_at"])
    emit_about(technician, event, actor=actor, now=now, data=data)


def emit_about(
    technician: Technician,
    event: str,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    data: dict[str, Any] | None = None,
) -> None:
    """Emit an event about a technician who is locked or new: no personal data."""
    about = {
        "id": str(technician.pk),
        "version": technician.version,
        "location": str(technician.location_id),
        "is_active": technician.is_active,
    }
    emit(
        event,
        of=("technician", technician.pk),
        actor=actor,
        now=now,
        location_id=technician.location_id,
        reason=reason,
        data={**about, **(data or {})},
    )

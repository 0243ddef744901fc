"""Who belongs to the crew."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from core.actors import Actor
from core.db import on_breach
from core.errors import Conflict
from core.roster import OnConflict
from technicians.models import Technician
from technicians.services.record import (
    emit_about,
    locked_technician,
    roster_of,
    save_change,
)


class UserTaken(Conflict):
    """That user is another technician."""

    code = "user_taken"
    title = "The user is another technician"


@transaction.atomic
def create_technician(
    *, fields: Mapping[str, Any], actor: Actor, now: datetime
) -> Technician:
    """Take somebody on. `fields` are those of the model; `zones` may be among them.

    Emits:
        technician.created
    Raises:
        UserTaken
    """
    given = dict(fields)
    zones = given.pop("zones", [])
    with _one_technician_per_user():
        technician = Technician.objects.create(**given)
    technician.zones.set(zones)
    emit_about(technician, "technician.created", actor=actor, now=now)
    return technician


@transaction.atomic
def update_technician(
    *,
    technician_id: UUID,
    changes: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
    on_conflict: OnConflict = OnConflict.REJECT,
) -> Technician:
    """Change what is known of a technician; what is left out stays.

    Emits:
        technician.updated
    Raises:
        UserTaken, VersionConflict, NotFound
        Stranded: visits lie outside of the new zones.
    """
    with roster_of(
        technician_id=technician_id,
        actor=actor,
        now=now,
        on_conflict=on_conflict,
        expected_version=expected_version,
    ) as technician:
        given = dict(changes)
        if "zones" in given:
            technician.zones.set(given.pop("zones"))
        for name, value in given.items():
            setattr(technician, name, value)
        with _one_technician_per_user():
            save_change(
                technician,
                fields=given,
                event="technician.updated",
                actor=actor,
                now=now,
                data={"changed": sorted(changes)},
            )
    return technician


@transaction.atomic
def deactivate_technician(
    *,
    technician_id: UUID,
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
    on_conflict: OnConflict = OnConflict.REJECT,
) -> Technician:
    """Book no more visits for a technician; doing it twice is doing it once.

    Emits:
        technician.deactivated
    Raises:
        VersionConflict, NotFound
        Stranded: visits are booked with the technician.
    """
    with roster_of(
        technician_id=technician_id,
        actor=actor,
        now=now,
        on_conflict=on_conflict,
        expected_version=expected_version,
    ) as technician:
        if technician.is_active:
            technician.is_active = False
            _save_activity(technician, "deactivated", actor=actor, now=now)
    return technician


@transaction.atomic
def reactivate_technician(
    *,
    technician_id: UUID,
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Technician:
    """Book visits for a technician again.

    Emits:
        technician.reactivated
    Raises:
        VersionConflict, NotFound
    """
    technician = locked_technician(
        technician_id=technician_id, actor=actor, expected_version=expected_version
    )
    if not technician.is_active:
        technician.is_active = True
        _save_activity(technician, "reactivated", actor=actor, now=now)
    return technician


def _save_activity(
    technician: Technician, step: str, *, actor: Actor, now: datetime
) -> None:
    event = f"technician.{step}"
    save_change(technician, fields=["is_active"], event=event, actor=actor, now=now)


@contextmanager
def _one_technician_per_user() -> Iterator[None]:
    with on_breach("technicians_technician_user_id_key", UserTaken()):
        yield

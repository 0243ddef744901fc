"""A person decides a conflict: ours stands and they hear it, or theirs is ours."""

from datetime import datetime
from typing import Any, Literal

from django.db import transaction

from appointments.services import cancel
from core.actors import Actor
from core.errors import Conflict, NotFound
from core.events import emit
from core.ids import uuid7
from integrations.models import Connection, ExternalLink, SyncConflict
from integrations.rules.mapping import taken_in
from integrations.rules.things import Remote, Thing
from integrations.services.sync.applying.changes import Change, attempt
from integrations.services.sync.applying.merged import GONE, WRITERS
from integrations.services.sync.links import rows_beside
from integrations.services.sync.mappings import rules_for
from integrations.services.sync.records import thing_of
from integrations.services.sync.telling import tell

Keep = Literal["ours", "theirs"]


class StillNotPossible(Conflict):
    """What they say breaks a rule of ours as before; the detail says which."""

    code = "still_not_possible"
    title = "Not possible here"


@transaction.atomic
def resolve_conflict(
    *, conflict_id: int, keep: Keep, actor: Actor, now: datetime
) -> SyncConflict:
    """Keep one side's value of a field; deciding it twice changes nothing.

    Of a thing that is gone there, ours is created there anew, or ended here.

    Emits:
        sync_conflict.resolved
    Raises:
        StillNotPossible: theirs cannot be ours.
        NotFound
    """
    visible = SyncConflict.objects.filter(
        connection__in=Connection.objects.visible_to(actor)
    )
    rows = visible.select_for_update(of=("self",)).select_related("connection")
    conflict = rows.filter(pk=conflict_id).first()
    if conflict is None:
        raise NotFound
    if conflict.resolved_at is not None:
        return conflict
    link = _locked_link(conflict)
    thing = thing_of(kind=conflict.object_type, object_id=conflict.object_id)
    if link is not None and thing is not None:
        settle = _keep_ours if keep == "ours" else _keep_theirs
        settle(conflict, link, thing, actor=actor, now=now)
    conflict.resolved_at, conflict.resolved_by = now, actor.label
    conflict.resolution = f"Kept {keep}."
    conflict.save(update_fields=["resolved_at", "resolved_by", "resolution"])
    emit(
        "sync_conflict.resolved",
        of=("sync_conflict", uuid7()),
        actor=actor,
        now=now,
        data={
            "conflict": conflict.pk,
            "connection": str(conflict.connection_id),
            "object": conflict.object_type,
            "object_id": str(conflict.object_id),
            "field": conflict.field,
            "kept": keep,
        },
    )
    return conflict


def _locked_link(conflict: SyncConflict) -> ExternalLink | None:
    rows = ExternalLink.objects.select_for_update().filter(
        connection=conflict.connection_id,
        object_type=conflict.object_type,
        object_id=conflict.object_id,
    )
    return rows.order_by("pk").first()


def _keep_ours(
    conflict: SyncConflict,
    link: ExternalLink,
    thing: Thing,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Have them told: what they last said is what they know, and ours is news."""
    if conflict.field == GONE:
        rows_beside(link).delete()
    else:
        _agree(link, conflict.field, conflict.theirs)
    tell(connection=conflict.connection, kind=thing.kind, object_id=thing.id)


def _keep_theirs(
    conflict: SyncConflict,
    link: ExternalLink,
    thing: Thing,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Make theirs ours, by the same rules as everybody's.

    Raises:
        StillNotPossible
    """
    if conflict.field == GONE:
        _end(conflict, thing, actor=actor, now=now)
        return
    rules = rules_for(connection=conflict.connection, kind=thing.kind)
    said, unread = taken_in(rules, {conflict.field: conflict.theirs})
    why = unread[0].why if unread else ""
    if not why and thing.fields.get(conflict.field) != said.get(conflict.field):
        change = Change(
            thing=thing,
            fields=said,
            remote=Remote(
                kind=thing.kind,
                remote_type=link.remote_type,
                remote_id=link.remote_id,
            ),
            actor=actor,
            now=now,
        )
        why = WRITERS[thing.kind](change).get(conflict.field, "")
    if why:
        raise StillNotPossible(why)
    _agree(link, conflict.field, said.get(conflict.field))


def _agree(link: ExternalLink, field: str, value: Any) -> None:
    link.agreed = {**link.agreed, field: value}
    link.save(update_fields=["agreed"])


def _end(conflict: SyncConflict, thing: Thing, *, actor: Actor, now: datetime) -> None:
    """End ours as well, where that is a visit; others only stop being told."""
    if thing.kind != "appointment":
        return
    why = attempt(
        lambda: cancel(
            appointment_id=thing.id,
            reason=f"Gone at {conflict.connection.name}.",
            actor=actor,
            now=now,
        )
    )
    if why:
        raise StillNotPossible(why)

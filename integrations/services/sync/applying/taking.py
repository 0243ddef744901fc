"""Give each thing that a vendor spoke of to who knows its kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.db import transaction
from django.utils.module_loading import import_string

from integrations.models import Connection, InboundEvent, InboundState
from integrations.rules.things import Remote

_MERGE = "integrations.services.sync.applying.merged.apply"

# Who takes in what, by the kind of the thing. All are called as an Applier.
APPLIERS: dict[str, str] = {
    "customer": _MERGE,
    "lead": _MERGE,
    "appointment": _MERGE,
    "technician": _MERGE,
    "member": "integrations.services.sync.applying.members.apply",
    "message": "integrations.services.sync.applying.texts.apply_progress",
    "reply": "integrations.services.sync.applying.texts.apply_reply",
    "payment": "integrations.services.deposits.taking.apply",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What became of something that a vendor said."""

    state: InboundState
    note: str = ""


class Applier(Protocol):
    """Makes one thing of theirs ours. It is called inside a transaction."""

    def __call__(
        self,
        *,
        connection: Connection,
        remote: Remote,
        inbound: InboundEvent | None,
        now: datetime,
    ) -> TakenIn: ...


@transaction.atomic
def take_in(
    *,
    connection: Connection,
    remotes: Sequence[Remote],
    inbound: InboundEvent | None,
    now: datetime,
) -> TakenIn:
    """Make what a vendor said ours; the caller marks the callback in the same breath.

    Nothing that we use, or nothing new: ignored. Something is stored as soon as one
    of the things was. Given up: a person has to see to it first.
    """
    came = [
        _applier(remote.kind)(
            connection=connection, remote=remote, inbound=inbound, now=now
        )
        for remote in remotes
        if remote.kind in APPLIERS
    ]
    if not came:
        return TakenIn(state=InboundState.IGNORED, note="Nothing that we use.")
    note = " ".join(dict.fromkeys(each.note for each in came if each.note))
    states = {each.state for each in came}
    for state in (InboundState.DEAD, InboundState.PROCESSED, InboundState.STALE):
        if state in states:
            return TakenIn(state=state, note=note[:500])
    return TakenIn(state=InboundState.IGNORED, note=note[:500])


def _applier(kind: str) -> Applier:
    found: Applier = import_string(APPLIERS[kind])
    return found

"""Merge what a vendor says of a linked thing into ours, field by field."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db.models.functions import Now

from core.errors import DomainError
from integrations.models import (
    Connection,
    ExternalLink,
    InboundEvent,
    InboundState,
)
from integrations.rules.mapping import Rule, Unread, taken_in
from integrations.rules.merging import OURS, Clash, Merge, decided, is_older, merge
from integrations.rules.things import Fields, Remote, Thing
from integrations.services.sync.applying import leads, people, visits
from integrations.services.sync.applying.adopting import adopted
from integrations.services.sync.applying.changes import Change
from integrations.services.sync.applying.finding import locked_link
from integrations.services.sync.applying.taking import TakenIn
from integrations.services.sync.conflicts import close_agreed, note_conflict
from integrations.services.sync.links import newest, rows_beside
from integrations.services.sync.mappings import actor_for, rules_for
from integrations.services.sync.records import changed_at, thing_of
from integrations.services.sync.telling import tell

Problems = Mapping[str, str]


class Settler(Protocol):
    """Leaves out what would turn the clock back, and says who wins.

    Returns in what they lag behind: noted as what they have, and applied by nobody.
    """

    def __call__(
        self,
        *,
        thing: Thing,
        agreed: Fields,
        theirs: dict[str, Any],
        winners: dict[str, str],
    ) -> dict[str, Any]: ...


# Write fields of theirs; return why some could not be ours, by field.
WRITERS: Mapping[str, Callable[[Change], Problems]] = {
    "appointment": visits.write,
    "customer": people.write,
    "lead": leads.write,
}
_SETTLERS: Mapping[str, Settler] = {
    "appointment": visits.settle,
    "lead": leads.settle,
}
GONE = "existence"
"""The field of a conflict about a thing that is gone at the vendor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One thing of theirs, and ours that it is linked to."""

    connection: Connection
    link: ExternalLink
    thing: Thing
    remote: Remote
    inbound: InboundEvent | None
    now: datetime


def apply(
    *,
    connection: Connection,
    remote: Remote,
    inbound: InboundEvent | None,
    now: datetime,
) -> TakenIn:
    """Make what they changed ours, and keep what loses. See `Applier`."""
    link = locked_link(connection=connection, remote=remote)
    if link is not None:
        return _bring_together(connection, link, remote, inbound=inbound, now=now)
    try:
        link = adopted(connection=connection, remote=remote, now=now)
    except DomainError as refusal:
        return TakenIn(state=InboundState.DEAD, note=str(refusal))
    if link is None:
        return _ignored("It is none of ours.")
    came = _bring_together(connection, link, remote, inbound=inbound, now=now)
    more = came.note if came.state == InboundState.PROCESSED else ""
    note = f"It was made there, and is ours now. {more}".strip()
    return TakenIn(state=InboundState.PROCESSED, note=note)


def _bring_together(
    connection: Connection,
    link: ExternalLink,
    remote: Remote,
    *,
    inbound: InboundEvent | None,
    now: datetime,
) -> TakenIn:
    """Merge one of theirs into the one of ours that it is linked to."""
    if is_older(remote.version, _version_of(link, remote)):
        return TakenIn(state=InboundState.STALE, note="Older than what we know.")
    thing = thing_of(kind=link.object_type, object_id=link.object_id)
    if thing is None:
        return _ignored("Ours is gone.")
    case = _Case(
        connection=connection,
        link=link,
        thing=thing,
        remote=remote,
        inbound=inbound,
        now=now,
    )
    return _mourn(case) if remote.is_gone else _merge(case)


def _merge(case: _Case) -> TakenIn:
    rules = rules_for(connection=case.connection, kind=case.thing.kind)
    theirs, unread = taken_in(rules, case.remote.fields)
    winners = _winners(case, rules)
    settle = _SETTLERS.get(case.thing.kind)
    behind: dict[str, Any] = {}
    if settle is not None:
        behind = settle(
            thing=case.thing, agreed=case.link.agreed, theirs=theirs, winners=winners
        )
    merged = merge(
        agreed=case.link.agreed,
        ours=case.thing.fields,
        theirs=theirs,
        winners=winners,
    )
    problems = _write(case, merged)
    after = _after(case, merged)
    problems = {**_not_as_they_say(merged, after, problems), **problems}
    _note(case, merged, problems, unread)
    _remember(case, {**merged.agreed, **behind}, problems, after)
    _close(case, theirs, after)
    # Where only we changed it, the message of that change is on its way already.
    if any(clash.kept == OURS for clash in merged.clashes):
        tell(connection=case.connection, kind=case.thing.kind, object_id=case.thing.id)
    return _verdict(case, merged, problems, unread)


def _winners(case: _Case, rules: list[Rule]) -> dict[str, str]:
    ours_at = changed_at(case.thing)
    return {
        rule.field: decided(
            rule.winner, theirs_at=case.remote.changed_at, ours_at=ours_at
        )
        for rule in rules
        if rule.comes_in
    }


def _write(case: _Case, merged: Merge) -> Problems:
    write = WRITERS.get(case.thing.kind)
    if write is None or not merged.to_apply:
        return {}
    return write(
        Change(
            thing=case.thing,
            fields=merged.to_apply,
            remote=case.remote,
            actor=actor_for(case.connection),
            now=case.now,
        )
    )


def _after(case: _Case, merged: Merge) -> Mapping[str, Any]:
    """Return our fields as they are after what was applied."""
    if not merged.to_apply:
        return case.thing.fields
    after = thing_of(kind=case.thing.kind, object_id=case.thing.id)
    return after.fields if after else {}


def _not_as_they_say(
    merged: Merge, after: Mapping[str, Any], problems: Problems
) -> Problems:
    """Name what was stored, and came out otherwise than they have it."""
    return {
        field: f"It became {after.get(field)!r} here."
        for field, value in merged.to_apply.items()
        if field not in problems and after.get(field) != value
    }


def _note(case: _Case, merged: Merge, problems: Problems, unread: list[Unread]) -> None:
    """Keep what lost, and what could not be."""
    for clash in merged.clashes:
        if clash.field not in problems:
            _keep(case, clash)
    for each in unread:
        _keep(case, _clash_of(case, each.field, each.value), why=each.why)
    for field, why in problems.items():
        _keep(case, _clash_of(case, field, merged.to_apply[field]), why=why)


def _keep(case: _Case, clash: Clash, *, why: str = "") -> None:
    note_conflict(
        link=case.link, clash=clash, why=why, now=case.now, inbound=case.inbound
    )


def _clash_of(case: _Case, field: str, value: Any) -> Clash:
    return Clash(
        field=field,
        agreed=case.link.agreed.get(field),
        ours=case.thing.fields.get(field),
        theirs=value,
    )


def _remember(
    case: _Case, now_agreed: Fields, problems: Problems, after: Mapping[str, Any]
) -> None:
    """Write down what both sides agree on now, and which version of theirs it was."""
    link, before = case.link, case.link.agreed
    agreed = dict(now_agreed)
    for field in problems:
        agreed.pop(field, None)
        if field in before:
            agreed[field] = before[field]
    # Ours may have followed in fields that they told us of, but that do not come in.
    agreed |= {
        field: value
        for field, value in case.remote.fields.items()
        if field not in problems and field in after and after[field] == value
    }
    link.agreed, link.is_gone = agreed, False
    link.save(update_fields=["agreed", "is_gone"])
    version = newest(case.remote.version, _version_of(link, case.remote))
    rows = rows_beside(link)
    rows.filter(pk=link.pk).update(seen_at=Now())
    rows.filter(remote_type=case.remote.remote_type).update(remote_version=version)


def _close(case: _Case, theirs: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Close what needed attention, and is the same on both sides by now."""
    same = {field for field, value in theirs.items() if after.get(field) == value}
    close_agreed(link=case.link, fields={*same, GONE}, now=case.now)


def _version_of(link: ExternalLink, remote: Remote) -> str:
    """Return the newest version seen of that one of the thing's remote ids."""
    if link.remote_type == remote.remote_type:
        return link.remote_version
    further = rows_beside(link).filter(remote_type=remote.remote_type)
    return further.values_list("remote_version", flat=True).first() or ""


def _mourn(case: _Case) -> TakenIn:
    """Note that a linked thing is gone there: a person decides what that means."""
    if case.link.is_gone:
        return _ignored("It is known to be gone.")
    ExternalLink.objects.filter(pk=case.link.pk).update(is_gone=True, seen_at=Now())
    _keep(
        case,
        Clash(field=GONE, agreed=True, ours=True, theirs=False),
        why=f"{case.remote.remote_type} {case.remote.remote_id} is gone there.",
    )
    return TakenIn(state=InboundState.PROCESSED, note="It is gone there.")


def _verdict(
    case: _Case, merged: Merge, problems: Problems, unread: list[Unread]
) -> TakenIn:
    kind = case.thing.kind
    if problems or unread:
        fields = sorted({*problems, *(each.field for each in unread)})
        return TakenIn(
            state=InboundState.PROCESSED,
            note=f"{kind}: needs attention: {', '.join(fields)}.",
        )
    if merged.says_nothing_new:
        return _ignored("Nothing new.")
    applied = ", ".join(sorted(merged.to_apply)) or "none"
    lost = ", ".join(clash.field for clash in merged.clashes)
    note = f"{kind}: taken in: {applied}." + (f" Both changed: {lost}." * bool(lost))
    return TakenIn(state=InboundState.PROCESSED, note=note)


def _ignored(note: str) -> TakenIn:
    return TakenIn(state=InboundState.IGNORED, note=note)
